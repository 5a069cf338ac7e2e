"""The soak, for a few seconds: that it finds nothing, and that it would find something."""

import sys

import pytest

from bench.soak import Failure, Sample, Soak, Tally, soak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.slow
@pytest.mark.proof
def test_nothing_is_lost_in_twenty_seconds():
    report, well = soak(20)
    assert well, report


class Rows:
    """A database that has these rows."""

    def __init__(self, *keys):
        self.keys = set(keys)

    def rows(self):
        return self.keys


def judged(*, written=(), unknown=(), rows=(), failures=(), faults=()):
    tally = Tally(written=dict.fromkeys(written, 0.0), unknown=set(unknown), failures=list(failures))
    return Soak(None, None, Rows(*rows), tally, faults=list(faults))


@pytest.mark.parametrize(
    ("written", "unknown", "rows", "wrong"),
    [
        ("ab", "", "ab", []),
        ("ab", "", "a", ["1 rows are missing"]),
        ("a", "", "ab", ["1 rows nobody wrote"]),
        ("a", "b", "ab", []),
        ("a", "b", "a", []),
    ],
)
def test_rows_are_what_callers_were_told(written, unknown, rows, wrong):
    assert judged(written=written, unknown=unknown, rows=rows).wrong_rows() == wrong


@pytest.mark.parametrize(
    ("what", "began", "ended", "excused"),
    [
        ("reset", 10.0, 10.1, True),
        ("reset", 5.0, 5.1, False),
        ("reset", 12.0, 12.1, False),
        ("reset", 50.0, 50.1, False),  # reloads and stops lose nothing
        ("reset", 90.0, 90.1, False),
        ("ConnectionRefusedError", 90.0, 90.1, True),
    ],
)
def test_only_a_kill_excuses_a_lost_connection(what, began, ended, excused):
    faults = [("killed", 10.0, 10.0), ("reload", 50.0, 50.0), ("stop", 90.0, float("inf"))]
    run = judged(failures=[Failure(what, began, ended)], faults=faults)
    assert (run.unexcused() == []) is excused


def test_tells_what_grows():
    run = judged()
    run.samples = [Sample(at, frozenset({1}), at * 2**20, 0, 10, int(at), 3) for at in range(90)]
    slopes = run.slopes()
    assert slopes["memory of all, MiB"] == pytest.approx(60)
    assert (slopes["threads"], slopes["connections to the database"]) == (0, 0)
