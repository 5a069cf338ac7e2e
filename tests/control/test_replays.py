"""What replays found, by release of the service, as evidence for a promotion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.control import transitions
from gateway.control.models import Replay, Worker
from gateway.control.replays import KEPT, last_replay, store_replays
from gateway.control.transitions import Unproved
from gateway.rollout.evidence import Replayed
from tests.control.conftest import make_route

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
WRITES = make_route(stage="shadow", methods=["POST"])


def replayed(
    cases: int, blocking: int, *, accepted: tuple[str, ...] = ("POST",), release: str = "r1", minutes_ago: int = 1
) -> None:
    found = Replayed(cases, blocking, frozenset(accepted))
    store_replays([(WRITES.name, release, found)], NOW - timedelta(minutes=minutes_ago), "ana")


@pytest.fixture(autouse=True)
def serving():
    """A process that runs release r1."""
    Worker.objects.create(id="a", host="h", pid=1, started=NOW, seen=NOW, releases={WRITES.service: "r1"})


def test_a_route_of_writes_is_promoted_by_a_replay_without_differences():
    with pytest.raises(Unproved, match="it takes only writes"):
        transitions.promote(WRITES, who="ana")
    replayed(5, 0)
    assert transitions.promote(WRITES, who="ana").after.stage == "canary"


def test_one_in_which_legacy_refused_every_write_does_not():
    replayed(5, 0, accepted=("GET",))
    with pytest.raises(Unproved, match="no POST of the last replay was one that legacy accepts"):
        transitions.promote(WRITES, who="ana")


def test_one_with_differences_holds_it():
    replayed(5, 1)
    with pytest.raises(Unproved, match="1 of 5 cases differed"):
        transitions.promote(WRITES, who="ana")


def test_the_last_one_counts():
    replayed(5, 1, minutes_ago=2)
    replayed(6, 0)
    assert last_replay(WRITES.name, "r1") == Replayed(6, 0, frozenset({"POST"}))


def test_one_of_another_release_proves_nothing():
    replayed(5, 0, release="r0")
    with pytest.raises(Unproved, match="it takes only writes"):
        transitions.promote(WRITES, who="ana")


def test_where_nobody_has_told_a_release_the_last_one_of_any_counts():
    replayed(5, 0, release="r0")
    assert last_replay(WRITES.name, None) == Replayed(5, 0, frozenset({"POST"}))
    assert last_replay("another", None) is None


def test_they_do_not_pile_up():
    for minutes in range(KEPT + 3):
        replayed(minutes, 0, minutes_ago=KEPT + 3 - minutes)
    assert sorted(Replay.objects.values_list("cases", flat=True)) == [*range(3, KEPT + 3)]
