"""A difference that is accepted at run time doesn't count until its last day, in every worker."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.config.routes import RouteConfig
from gateway.control import reports
from gateway.control.current_state import current_state
from gateway.control.evidence_queries import collect_evidence
from gateway.control.models import AcceptedDifference, Revision
from gateway.control.poller import Poller
from gateway.control.settle import NoSuchGroup, accept, accepted_at_run_time, resolve
from gateway.control.store import write_counts, write_found
from gateway.mirroring.difference_log import Example, FoundGroup
from gateway.mirroring.rules import Rules
from gateway.rollout.guard import Verdict
from gateway.stats.tally import Mirrored
from gateway.testing.clock import FrozenClock
from tests.control.conftest import make_route, tally

pytestmark = pytest.mark.django_db

KEY = "abcd" * 8
TOMORROW = date(2026, 12, 2)
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def find(pointer: str = "/price", expected: str = '"1"', actual: str = "1", kind: str = "type") -> None:
    shown = (Example("/catalog/1/", pointer, expected, actual, NOW.timestamp()),)
    group = FoundGroup("catalog", "GET /catalog/", KEY, kind, pointer, "breaking", "price changed", 1, examples=shown)
    write_found([group], {}, NOW)


def accepting(**more: object) -> None:
    accept(KEY[:6], **({"who": "ana", "why": "so it is", "until": TOMORROW, "at": NOW} | more))  # type: ignore[arg-type]


def test_it_is_open_no_more_and_says_why():
    find()
    accepting()
    (one,) = reports.differences(make_route())
    assert (one.state, one.resolved_by) == ("resolved", "ana")
    assert one.resolved_why == "accepted until 2026-12-02: so it is"


def test_what_was_under_way_meanwhile_does_not_open_it_again():
    find()
    accepting(at=NOW - timedelta(seconds=3))
    (one,) = reports.differences(make_route())
    assert one.state == "resolved"


def test_workers_are_told():
    find()
    accepting(until=date(2999, 1, 1))
    told = []

    class Published:
        class snapshot:  # noqa: N801 - stands for a value
            @staticmethod
            def at(*_):
                return None

        @staticmethod
        def publish(_):
            return None

    Poller(Published, accept=told.append).look()
    assert Revision.objects.get().number == 1
    assert told == [accepted_at_run_time(NOW.date())]


def test_comparisons_go_by_it_from_then_on():
    routes: dict[str, RouteConfig] = {"catalog": make_route()}
    rules = Rules(routes, b"key", FrozenClock(NOW))
    before, _ = rules.of("catalog")
    find()
    accepting()
    rules.accept(accepted_at_run_time(NOW.date()))
    after, _ = rules.of("catalog")
    (accepted,) = after.in_force
    assert before.in_force == ()
    assert accepted.covers("type", "/price", "1", 1)
    assert not accepted.covers("type", "/name", "1", 1)


def test_its_last_day_is_the_last():
    find()
    accepting()
    assert accepted_at_run_time(TOMORROW)["catalog"]
    assert not accepted_at_run_time(TOMORROW + timedelta(days=1))


def test_a_status_is_accepted_for_these_two_alone():
    find("status", "400", "422", "status")
    accepting()
    (accepted,) = accepted_at_run_time(NOW.date())["catalog"]
    assert accepted.covers("status", "status", 400, 422)
    assert not accepted.covers("status", "status", 400, 500)


def test_what_was_compared_before_does_not_count_for_a_promotion():
    route = make_route(stage="shadow")
    start = int(NOW.timestamp())
    old = Mirrored(100, different=100)
    write_counts("a", {("catalog", "legacy", start - 100): tally(0.01)}, {("catalog", start - 100): old})
    find()
    assert collect_evidence(route, current_state(route), NOW).verdict.verdict is Verdict.FAILING
    accepting(at=NOW - timedelta(seconds=30))
    assert collect_evidence(route, current_state(route), NOW).verdict.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("more", [{"why": " "}, {"who": ""}, {"until": date(2026, 11, 30)}])
def test_without_a_reason_a_name_or_a_day_to_come_it_is_refused(more):
    find()
    with pytest.raises(ValueError, match=r"who accepts|is over"):
        accepting(**more)
    assert not AcceptedDifference.objects.exists()


def test_an_unknown_key_changes_nothing():
    with pytest.raises(NoSuchGroup):
        accepting()
    assert not Revision.objects.exists()


@pytest.mark.parametrize(("who", "why"), [("", "so"), ("ana", ""), ("ana", "  ")])
def test_nothing_is_resolved_without_who_and_why(who, why):
    with pytest.raises(ValueError, match="who resolves a difference, and why, is part of the record"):
        resolve(KEY, who=who, why=why, at=datetime(2026, 12, 1, tzinfo=UTC))
