"""The evidence for a promotion, from what workers stored; by release of the service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.control import reports
from gateway.control import transitions as moves
from gateway.control.evidence_queries import open_differences
from gateway.control.models import RouteDifferences, Worker
from gateway.control.settle import NoSuchGroup, resolve
from gateway.control.store import Origin, write_counts, write_found
from gateway.control.transitions import Unproved, clear, current_state, rollback
from gateway.mirroring.difference_log import FoundGroup
from gateway.rollout.guard import Verdict
from gateway.rollout.stage import State
from gateway.stats.tally import COUNTER_WINDOW, Mirrored
from tests.control.conftest import make_route, tally

pytestmark = pytest.mark.django_db

SHADOW = make_route(stage="shadow")
CANARY = make_route(stage="canary", weight=10)


def now():
    """At each call: a test may run long after this module was imported, and moves go by the time of the move."""
    return datetime.now(UTC)


def started(release, *, minutes_ago=60):
    """A process that runs this release of the service."""
    at = now() - timedelta(minutes=minutes_ago)
    Worker.objects.create(id=release, host="h", pid=1, started=at, seen=now(), releases={"items": release})
    return Origin(at, {"catalog": release})


def compared(origin, *, different=0, critical=0, equal=100, seconds_ago=30, errors=0, took=0.01):
    """What a process compared, and how both sides answered."""
    start = int(now().timestamp() - seconds_ago) // COUNTER_WINDOW * COUNTER_WINDOW
    seen = Mirrored(mirrored=equal + different, equal=equal, different=different, critical=critical)
    sides = ("service", "service mirrored", "legacy")
    tallies = {("catalog", side, start): tally(*[0.01] * 100) for side in sides}
    for side in sides[:2]:
        tallies["catalog", side, start] = tally(*[took] * 100, errors=errors)
    added = {"catalog": (seen.compared, 0)}
    write_counts(f"{origin.release('catalog')}{seconds_ago}", tallies, {("catalog", start): seen}, added, origin)


def served(origin):
    """Both sides answer callers, and nothing is compared."""
    start = int(now().timestamp() - 15) // COUNTER_WINDOW * COUNTER_WINDOW
    tallies = {("catalog", side, start): tally(*[0.01] * 100) for side in ("service", "legacy")}
    write_counts("served", tallies, {}, {}, origin)


def differed(origin, key="a1b2c3d4", severity="breaking", count=30, noise=0):
    found = FoundGroup(
        "catalog", "GET /catalog/", key, "type", "/price", severity, "type of /price changed", count, noise
    )
    write_found([found], {}, now(), origin)


def promote(route, **more):
    return moves.promote(route, who="ana", **more)


@pytest.fixture
def origin():
    return started("r1")


# -- what is enough, and what isn't ---------------------------------------------------------------


@pytest.mark.parametrize(("route", "to"), [(SHADOW, State("canary", 1.0)), (CANARY, State("canary", 25.0))])
def test_a_route_that_was_compared_and_is_healthy_is_promoted(origin, route, to):
    compared(origin)
    moved = promote(route)
    assert (moved.after, moved.anyway) == (to, False)


@pytest.mark.parametrize("route", [SHADOW, CANARY])
def test_without_any_traffic_it_is_refused_and_stays(origin, route):
    with pytest.raises(Unproved, match="inconclusive"):
        promote(route)
    assert current_state(route).revision == 0


@pytest.mark.parametrize("route", [SHADOW, CANARY])
def test_an_open_breaking_difference_holds_it_however_high_parity_is(origin, route):
    compared(origin, equal=9999, different=1)
    differed(origin, count=1)
    with pytest.raises(Unproved, match="1 breaking difference is open"):
        promote(route)


@pytest.mark.parametrize("severity", ["warning", "note"])
def test_a_lesser_difference_does_not(origin, severity):
    compared(origin)
    differed(origin, severity=severity)
    assert promote(SHADOW).after.stage == "canary"


@pytest.mark.parametrize("more", [{"errors": 20}, {"took": 0.7}])
def test_what_fails_or_is_slow_is_refused(origin, more):
    compared(origin, **more)
    with pytest.raises(Unproved, match="failing"):
        promote(SHADOW)


def test_one_critical_difference_is_a_failing_verdict(origin):
    compared(origin, equal=9999, different=1, critical=1)
    with pytest.raises(Unproved, match="differed critically; none may"):
        promote(SHADOW)
    assert reports.status([CANARY], now())[0].verdict.verdict is Verdict.FAILING


def test_a_difference_that_legacy_has_by_itself_is_none(origin):
    write_counts("c", {}, {}, {"catalog": (100, 50)}, origin)
    compared(origin)
    differed(origin, count=20, noise=12)
    assert promote(SHADOW).after.stage == "canary"


def test_to_shadow_it_goes_without(origin):
    assert promote(make_route()).after.stage == "shadow"


def test_from_legacy_no_further(origin):
    compared(origin)
    with pytest.raises(Unproved, match="nothing was compared"):
        promote(make_route(), to="live")


def test_what_was_before_the_last_move_is_no_evidence(origin):
    compared(origin, seconds_ago=30)
    rollback(CANARY, who="ana", to="shadow")
    with pytest.raises(Unproved):
        promote(SHADOW)


def test_a_route_of_writes_is_told_what_to_do(origin):
    with pytest.raises(Unproved, match="no writes are mirrored"):
        promote(make_route(stage="shadow", methods=["POST"]))


# -- without evidence -----------------------------------------------------------------------------


def test_anyway_goes_on_and_the_audit_log_says_so(origin):
    moved = promote(SHADOW, anyway=True, why="legacy is wrong")
    assert moved.anyway
    assert "promoted 'catalog' anyway from shadow to canary" in str(moved)
    assert str(moved).endswith(": legacy is wrong")
    assert reports.changes("catalog")[0].anyway


def test_anyway_where_nothing_is_missing_is_no_exception(origin):
    compared(origin)
    assert not promote(SHADOW, anyway=True, why="to be sure").anyway


def test_anyway_needs_a_reason(origin):
    with pytest.raises(ValueError, match="why"):
        promote(SHADOW, anyway=True)


# -- back to what the file says --------------------------------------------------------------------


def test_a_clear_that_goes_up_needs_what_a_promotion_needs(origin):
    rollback(CANARY, who="guard")
    with pytest.raises(Unproved, match="nothing was compared") as caught:
        clear(CANARY, who="ana")
    assert caught.value.to == State("canary", 10.0)
    assert current_state(CANARY).state == State("legacy")


def test_or_goes_on_anyway_with_a_reason(origin):
    rollback(CANARY, who="ana")
    with pytest.raises(ValueError, match="why"):
        clear(CANARY, who="ana", anyway=True)
    moved = clear(CANARY, who="ana", anyway=True, why="it was the wrong route")
    assert (moved.after, moved.anyway) == (State("canary", 10.0), True)
    assert "cleared 'catalog' anyway from legacy to canary at 10 %" in str(moved)


def test_a_clear_that_goes_down_needs_nothing(origin):
    moves.promote(CANARY, who="ana", anyway=True, why="tested")
    assert not clear(CANARY, who="ana").anyway


# -- releases -------------------------------------------------------------------------------------


def test_what_an_earlier_release_proved_says_nothing_of_the_next(origin):
    compared(origin)
    started("r2", minutes_ago=1)
    with pytest.raises(Unproved):
        promote(SHADOW)


def test_what_an_earlier_release_did_wrong_is_not_held_against_the_next(origin):
    compared(origin, different=50, critical=50, errors=50)
    differed(origin)
    compared(started("r2", minutes_ago=1), seconds_ago=15)
    assert promote(SHADOW).after.stage == "canary"


def test_a_difference_that_did_not_come_back_is_mended(origin):
    differed(origin)
    assert [group.state for group in reports.differences(SHADOW)] == ["open"]
    started("r2", minutes_ago=1)
    assert [(group.state, group.release) for group in reports.differences(SHADOW)] == [("mended", "r1")]
    assert open_differences([SHADOW]) == {"catalog": 0}


def test_one_that_comes_back_is_open_and_counted_anew(origin):
    differed(origin, count=30)
    differed(started("r2", minutes_ago=1), count=2)
    (group,) = reports.differences(SHADOW)
    assert (group.state, group.release, group.count) == ("open", "r2", 2)


def test_a_process_that_still_runs_the_earlier_release_adds_nothing(origin):
    newer = started("r2", minutes_ago=1)
    compared(newer)
    differed(origin)
    compared(origin, seconds_ago=20)
    assert open_differences([SHADOW]) == {"catalog": 0}
    assert RouteDifferences.objects.get().compared == 100


def test_going_back_to_the_earlier_release_opens_its_differences_again(origin):
    differed(origin)
    differed(started("r2", minutes_ago=2), key="ffff0000")
    Worker.objects.create(id="again", host="h", pid=2, started=now(), seen=now(), releases={"items": "r1"})
    assert {group.fingerprint: group.state for group in reports.differences(SHADOW)} == {
        "a1b2c3d4": "open",
        "ffff0000": "mended",
    }


def test_a_service_without_a_known_release_is_judged_by_all_there_is(origin):
    Worker.objects.all().delete()
    compared(Origin(now() - timedelta(hours=1)))
    assert promote(SHADOW).after.stage == "canary"


UNCOMPARED = make_route(stage="canary", weight=10, mirror={"canary": 0})


def test_a_new_release_of_a_canary_that_is_not_compared_goes_no_further_on_error_rates_alone(origin):
    compared(origin)
    newer = started("r2", minutes_ago=1)
    served(newer)
    with pytest.raises(Unproved, match=r"nothing is compared in canary: set `canary` in \[routes.mirror\]"):
        promote(UNCOMPARED)
    assert promote(UNCOMPARED, anyway=True, why="it was compared by hand").anyway


def test_what_was_compared_of_the_same_release_in_shadow_is_enough_for_it(origin):
    compared(origin)
    assert not promote(UNCOMPARED).anyway


# -- resolving ------------------------------------------------------------------------------------


def test_a_resolved_difference_holds_nothing_and_says_who_and_why(origin):
    compared(origin)
    differed(origin)
    resolve("a1b2", who="ana", why="the old prices were wrong", at=now() + timedelta(seconds=1))
    (group,) = reports.differences(SHADOW)
    assert (group.state, group.resolved_by, group.resolved_why) == ("resolved", "ana", "the old prices were wrong")
    assert promote(SHADOW).after.stage == "canary"


def test_seen_again_it_is_open_again(origin):
    differed(origin)
    resolve("a1b2", who="ana", why="mended", at=now() - timedelta(seconds=1))
    assert open_differences([SHADOW]) == {"catalog": 1}


@pytest.mark.parametrize("key", ["ffff", "a1", ""])
def test_a_key_that_names_none_or_is_too_short_is_refused(origin, key):
    differed(origin)
    with pytest.raises(NoSuchGroup):
        resolve(key, who="ana", why="because", at=now())


def test_a_key_that_names_several_is_refused(origin):
    differed(origin, key="a1b2c3d4")
    differed(origin, key="a1b2ffff")
    with pytest.raises(NoSuchGroup, match="several differences"):
        resolve("a1b2", who="ana", why="because", at=now())


# -- from the first request on --------------------------------------------------------------------


def test_what_came_right_after_the_start_counts():
    """In the window in which the process started, of which the first seconds are before it."""
    compared(started("r1", minutes_ago=0), seconds_ago=0)
    assert reports.status([SHADOW], now())[0].verdict.verdict is Verdict.HEALTHY
    assert promote(SHADOW).after.stage == "canary"


def test_what_came_in_the_slot_of_a_move_does_not(origin):
    moves.promote(make_route(), who="ana")
    compared(origin, seconds_ago=0)
    with pytest.raises(Unproved):
        promote(SHADOW)
