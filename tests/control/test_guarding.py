"""The guard and the ramp, on what workers stored."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from gateway.control import transitions as moves
from gateway.control.guarded_route import GuardedRoute, guard_of
from gateway.control.guarding import GuardLoop
from gateway.control.models import Change, RouteState
from gateway.control.statistics import RouteStats
from gateway.control.store import write_counts, write_found
from gateway.control.transitions import CurrentState, clear, current_state, pause, resume, rollback
from gateway.mirroring.difference_log import FoundGroup
from gateway.rollout.guard import Verdict
from gateway.rollout.stage import State
from gateway.stats.tally import COUNTER_WINDOW, Mirrored
from tests.control.conftest import make_route, promote, tally

pytestmark = pytest.mark.django_db

CANARY = make_route(stage="canary", weight=10, interval=30.0)
COMPARED = Mirrored(20, equal=20)


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests move; moves are dated by it too."""
    clock = SimpleNamespace(now=1_800_000_000.0)
    clock.time = lambda: clock.now
    clock.monotonic = clock.time
    monkeypatch.setattr(moves, "utc_now", lambda: datetime.fromtimestamp(clock.now, UTC))
    return clock


@pytest.fixture
def guard_loop(clock):
    def make(*routes):
        return GuardLoop({route.name: route for route in routes}, clock)

    return make


def serve(clock, seconds, *, route="catalog", errors=0, worker="a", mirrored=COMPARED, buckets=None):
    """`seconds` pass, with 20 requests to each side in every window, `errors` of the service's failing."""
    for _ in range(int(seconds) // COUNTER_WINDOW):
        clock.now += COUNTER_WINDOW
        start = int(clock.now) // COUNTER_WINDOW * COUNTER_WINDOW
        tallies = {}
        for side, failing in (("service", errors), ("legacy", 0)):
            tallies[route, side, start] = tally(*[0.01] * 20, errors=failing)
            tallies[route, side, start].buckets = set((buckets or {}).get(side, ()))
        write_counts(worker, tallies, {(route, start): mirrored})


def log():
    return [(change.who, change.verb, change.to_stage, change.to_weight) for change in Change.objects.order_by("pk")]


def test_a_route_with_too_many_errors_is_rolled_back_with_the_reason(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    serve(clock, 30, errors=10)
    (moved,) = guard_loop.look()
    assert log() == [("guard", "rollback", "legacy", 0)]
    assert "error rate 50.0 %" in moved.why
    assert current_state(CANARY).why == moved.why


def test_a_live_route_is_guarded_too(clock, guard_loop):
    guard_loop = guard_loop(make_route(stage="live"))
    serve(clock, 30, errors=10)
    guard_loop.look()
    assert log() == [("guard", "rollback", "legacy", 0)]


def test_breaking_differences_roll_back_as_well(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    serve(clock, 30, mirrored=Mirrored(20, equal=10, different=10))
    guard_loop.look()
    assert log() == [("guard", "rollback", "legacy", 0)]


@pytest.mark.parametrize("stage", ["legacy", "shadow", "retired"])
def test_nothing_else_is(clock, guard_loop, stage):
    guard_loop = guard_loop(make_route(stage=stage, interval=30.0))
    serve(clock, 60, errors=20)
    assert guard_loop.look() == []


def test_without_a_guard_nothing_is_judged_and_nothing_ramps(clock, guard_loop):
    guard_loop = guard_loop(make_route(stage="canary", weight=10, interval=30.0, guard=False))
    serve(clock, 60, errors=10)
    assert guard_loop.look() == []


def test_a_healthy_canary_takes_its_next_step_after_the_interval(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    serve(clock, 20)
    assert guard_loop.look() == []
    serve(clock, 10)
    guard_loop.look()
    assert log() == [("ramp", "promote", "canary", 25)]


def test_the_next_interval_begins_with_the_step(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    serve(clock, 30)
    guard_loop.look()
    serve(clock, 20)
    guard_loop.look()
    assert len(log()) == 1
    serve(clock, 20)
    guard_loop.look()
    assert log()[1:] == [("ramp", "promote", "canary", 50)]


def test_after_the_last_step_it_goes_live(clock, guard_loop):
    guard_loop = guard_loop(make_route(stage="canary", weight=100, interval=30.0))
    serve(clock, 40)
    guard_loop.look()
    assert log() == [("ramp", "promote", "live", 0)]


@pytest.mark.parametrize(("severity", "goes_on"), [("critical", False), ("breaking", False), ("warning", True)])
def test_an_open_difference_holds_the_ramp(clock, guard_loop, severity, goes_on):
    guard_loop = guard_loop(CANARY)
    found = FoundGroup("catalog", "GET /catalog/", "a1", "type", "/price", severity, "type of /price changed", 1)
    write_found([found], {}, datetime.fromtimestamp(clock.now, UTC))
    serve(clock, 30)
    guard_loop.look()
    assert bool(log()) is goes_on


def test_a_ramp_waits_until_enough_was_compared(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    serve(clock, 120, mirrored=Mirrored(4, equal=4))
    assert guard_loop.look() == []  # 48 of 50
    serve(clock, 10, mirrored=Mirrored(4, equal=4))
    guard_loop.look()
    assert log() == [("ramp", "promote", "canary", 25)]


def test_what_was_compared_in_shadow_counts_for_it(clock, guard_loop):
    route = make_route(stage="shadow", steps=[10.0, 25.0], interval=30.0)
    serve(clock, 60)
    promote(route, who="ana")
    guard_loop = guard_loop(route)
    serve(clock, 40, mirrored=Mirrored())
    guard_loop.look()
    assert log()[1:] == [("ramp", "promote", "canary", 25)]


def test_a_ramp_of_what_is_never_mirrored_waits_for_nothing(clock, guard_loop):
    guard_loop = guard_loop(make_route(stage="canary", weight=10, interval=30.0, methods=["POST"]))
    serve(clock, 30, mirrored=Mirrored())
    guard_loop.look()
    assert log() == [("ramp", "promote", "canary", 25)]


def test_a_sample_ratio_mismatch_holds_the_ramp(clock, guard_loop):
    guard_loop = guard_loop(make_route(stage="canary", weight=50, interval=30.0))
    serve(clock, 30, buckets={"service": range(0, 400, 4), "legacy": range(400, 2000, 4)})
    assert guard_loop.look() == []
    assert log() == []


def test_a_critical_difference_rolls_back_however_many_were_equal(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    serve(clock, 60, mirrored=Mirrored(mirrored=5000, equal=4999, different=1, critical=1))
    guard_loop.look()
    assert log() == [("guard", "rollback", "legacy", 0)]
    assert "differed critically; none may" in current_state(CANARY).why


def test_a_canary_without_an_interval_stays(clock, guard_loop):
    guard_loop = guard_loop(make_route(stage="canary", weight=10))
    serve(clock, 600)
    assert guard_loop.look() == []


def test_too_little_traffic_is_not_healthy(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    clock.now += 600
    assert guard_loop.look() == []


def test_a_paused_canary_does_not_ramp_but_is_guarded(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    pause(CANARY, who="ana")
    serve(clock, 60)
    assert guard_loop.look() == []
    serve(clock, 60, errors=10)
    guard_loop.look()
    assert log()[1:] == [("guard", "rollback", "legacy", 0)]


def test_a_resumed_canary_goes_on(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    pause(CANARY, who="ana")
    serve(clock, 60)
    resume(CANARY, who="ana")
    guard_loop.look()
    assert log()[-1] == ("ramp", "promote", "canary", 25)


def test_the_interval_of_a_canary_of_the_file_begins_with_the_process(clock, guard_loop):
    serve(clock, 60)
    guard_loop = guard_loop(CANARY)  # restarted
    serve(clock, 20)
    assert guard_loop.look() == []


def test_and_again_when_it_is_cleared(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    promote(CANARY, who="ana")
    serve(clock, 60)
    clear(CANARY, who="ana")
    assert guard_loop.look() == []


def test_a_clear_before_the_process_started_is_no_beginning(clock, guard_loop):
    promote(CANARY, who="ana")
    clear(CANARY, who="ana")
    serve(clock, 60)
    guard_loop = guard_loop(CANARY)
    serve(clock, 20)
    assert guard_loop.look() == []


def test_what_an_operator_did_meanwhile_is_not_undone_by_what_was_judged_before(clock, guard_loop, monkeypatch):
    guard_loop = guard_loop(CANARY)
    serve(clock, 30, errors=10)
    act = GuardLoop._act

    def late(self, guarded, step):
        promote(CANARY, who="ana", to="live")
        return act(self, guarded, step)

    monkeypatch.setattr(GuardLoop, "_act", late)
    assert guard_loop.look() == []
    assert current_state(CANARY).state == State("live")


def test_errors_of_an_earlier_step_are_not_held_against_a_later_one(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    serve(clock, 30, errors=10)
    rollback(CANARY, who="ana")
    clock.now += 1
    promote(CANARY, who="ana", to="canary")
    assert guard_loop.look() == []


def test_of_two_workers_one_acts_and_the_other_says_nothing(clock, guard_loop, monkeypatch, caplog):
    first, second = guard_loop(CANARY), guard_loop(CANARY)
    serve(clock, 30, errors=10)
    act = GuardLoop._act

    def late(self, guarded, step):
        monkeypatch.setattr(GuardLoop, "_act", act)
        assert len(first.look()) == 1
        caplog.clear()
        return act(self, guarded, step)

    monkeypatch.setattr(GuardLoop, "_act", late)
    assert second.look() == []
    assert caplog.records == []
    assert RouteState.objects.get().stage == "legacy"
    assert len(log()) == 1


def test_the_traffic_of_all_workers_counts(clock, guard_loop):
    guard_loop = guard_loop(CANARY)
    for worker in ("a", "b", "c"):
        clock.now -= 0 if worker == "a" else COUNTER_WINDOW
        serve(clock, COUNTER_WINDOW, errors=10, worker=worker)
    guard_loop.look()
    assert log() == [("guard", "rollback", "legacy", 0)]


def test_a_route_is_judged_thirty_times_in_its_window(clock, guard_loop, django_assert_num_queries):
    guard_loop = guard_loop(CANARY)
    guard_loop.look()
    clock.now += 1.9
    with django_assert_num_queries(0):
        guard_loop.look()
    clock.now += 0.2
    with django_assert_num_queries(5):  # rows, clears, the release, both kinds of windows
        guard_loop.look()


def test_a_paused_route_keeps_its_state(clock, guard_loop):
    guard_loop(CANARY).look()
    assert current_state(CANARY).state == State("canary", 10)


# -- sides that only mirrors ask ------------------------------------------------------------------


def asked(requests, errors=0, *, seconds=0.01):
    return tally(*[seconds] * requests, errors=errors)


def judged(stage, **sides):
    route = make_route(stage=stage)
    guarded = GuardedRoute(route, guard_of(route), CurrentState(State(stage)), since=0.0, now=1_800_000_000.0)
    return guarded.judgement(RouteStats(**sides))


@pytest.mark.parametrize(("errors", "verdict"), [(0, Verdict.HEALTHY), (50, Verdict.FAILING)])
def test_in_shadow_the_service_is_judged_by_how_it_answered_mirrors(errors, verdict):
    mirrored = Mirrored(mirrored=100, equal=100)
    found = judged("shadow", legacy=asked(100), service_mirrored=asked(100, errors), mirrored=mirrored)
    assert found.verdict is verdict


@pytest.mark.parametrize("stage", ["canary", "live"])
@pytest.mark.parametrize("left_behind", [0, 4])
def test_where_next_to_nobody_asks_legacy_it_is_compared_by_how_it_answered_mirrors(stage, left_behind):
    slow = judged(stage, service=asked(200, seconds=0.2), legacy=asked(left_behind), legacy_mirrored=asked(200))
    alone = judged(stage, service=asked(200, seconds=0.2), legacy=asked(left_behind))
    assert (slow.verdict, alone.verdict) == (Verdict.FAILING, Verdict.HEALTHY)


def test_in_canary_callers_of_legacy_count_and_not_mirrors():
    found = judged("canary", service=asked(200), legacy=asked(200), legacy_mirrored=asked(200, errors=200))
    assert found.verdict is Verdict.HEALTHY
