"""The guard and the ramp, on what workers stored."""

from datetime import datetime
from types import SimpleNamespace

import pytest

from gateway.control import moves
from gateway.control.keeper import Case, Keeper, guard_of
from gateway.control.models import Change, RouteState
from gateway.control.moves import Standing, clear, pause, promote, resume, rollback, standing
from gateway.control.store import write_counts
from gateway.control.traffic import Seen
from gateway.observability.counters import SLOT, Mirrored
from gateway.rollout.guard import Verdict
from gateway.rollout.stage import State
from tests.control.conftest import make_route, tally

pytestmark = pytest.mark.django_db

CANARY = make_route(stage="canary", weight=10, interval=30.0)


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests move; moves are dated by it too."""
    clock = SimpleNamespace(now=1_800_000_000.0)
    clock.time = lambda: clock.now
    clock.monotonic = clock.time
    dates = SimpleNamespace(now=lambda zone: datetime.fromtimestamp(clock.now, zone))
    monkeypatch.setattr(moves, "datetime", dates)
    return clock


@pytest.fixture
def keeper(clock):
    def make(*routes):
        return Keeper({route.name: route for route in routes}, clock)

    return make


def serve(clock, seconds, *, route="catalog", errors=0, worker="a", mirrored=None):
    """`seconds` pass, with 20 requests to each side in every slot, `errors` of the service's failing."""
    for _ in range(int(seconds) // SLOT):
        clock.now += SLOT
        start = int(clock.now) // SLOT * SLOT
        tallies = {}
        for side, failing in (("service", errors), ("legacy", 0)):
            tallies[route, side, start] = tally(*[0.01] * 20, errors=failing)
        write_counts(worker, tallies, {} if mirrored is None else {(route, start): mirrored})


def log():
    return [(change.who, change.verb, change.to_stage, change.to_weight) for change in Change.objects.order_by("pk")]


def test_a_route_with_too_many_errors_is_rolled_back_with_the_reason(clock, keeper):
    keeper = keeper(CANARY)
    serve(clock, 30, errors=10)
    (moved,) = keeper.look()
    assert log() == [("guard", "rollback", "legacy", 0)]
    assert "error rate 50.0 %" in moved.why
    assert standing(CANARY).why == moved.why


def test_a_live_route_is_guarded_too(clock, keeper):
    keeper = keeper(make_route(stage="live"))
    serve(clock, 30, errors=10)
    keeper.look()
    assert log() == [("guard", "rollback", "legacy", 0)]


def test_breaking_differences_roll_back_as_well(clock, keeper):
    keeper = keeper(CANARY)
    serve(clock, 30, mirrored=Mirrored(20, equal=10, different=10))
    keeper.look()
    assert log() == [("guard", "rollback", "legacy", 0)]


@pytest.mark.parametrize("stage", ["legacy", "shadow", "retired"])
def test_nothing_else_is(clock, keeper, stage):
    keeper = keeper(make_route(stage=stage, interval=30.0))
    serve(clock, 60, errors=20)
    assert keeper.look() == []


def test_without_a_guard_nothing_is_judged_and_nothing_ramps(clock, keeper):
    keeper = keeper(make_route(stage="canary", weight=10, interval=30.0, guard=False))
    serve(clock, 60, errors=10)
    assert keeper.look() == []


def test_a_healthy_canary_takes_its_next_step_after_the_interval(clock, keeper):
    keeper = keeper(CANARY)
    serve(clock, 20)
    assert keeper.look() == []
    serve(clock, 10)
    keeper.look()
    assert log() == [("ramp", "promote", "canary", 25)]


def test_the_next_interval_begins_with_the_step(clock, keeper):
    keeper = keeper(CANARY)
    serve(clock, 30)
    keeper.look()
    serve(clock, 20)
    keeper.look()
    assert len(log()) == 1
    serve(clock, 20)
    keeper.look()
    assert log()[1:] == [("ramp", "promote", "canary", 50)]


def test_after_the_last_step_it_goes_live(clock, keeper):
    keeper = keeper(make_route(stage="canary", weight=100, interval=30.0))
    serve(clock, 40)
    keeper.look()
    assert log() == [("ramp", "promote", "live", 0)]


def test_a_canary_without_an_interval_stays(clock, keeper):
    keeper = keeper(make_route(stage="canary", weight=10))
    serve(clock, 600)
    assert keeper.look() == []


def test_too_little_traffic_is_not_healthy(clock, keeper):
    keeper = keeper(CANARY)
    clock.now += 600
    assert keeper.look() == []


def test_a_paused_canary_does_not_ramp_but_is_guarded(clock, keeper):
    keeper = keeper(CANARY)
    pause(CANARY, who="ana")
    serve(clock, 60)
    assert keeper.look() == []
    serve(clock, 60, errors=10)
    keeper.look()
    assert log()[1:] == [("guard", "rollback", "legacy", 0)]


def test_a_resumed_canary_goes_on(clock, keeper):
    keeper = keeper(CANARY)
    pause(CANARY, who="ana")
    serve(clock, 60)
    resume(CANARY, who="ana")
    keeper.look()
    assert log()[-1] == ("ramp", "promote", "canary", 25)


def test_the_interval_of_a_canary_of_the_file_begins_with_the_process(clock, keeper):
    serve(clock, 60)
    keeper = keeper(CANARY)  # restarted
    serve(clock, 20)
    assert keeper.look() == []


def test_and_again_when_it_is_cleared(clock, keeper):
    keeper = keeper(CANARY)
    promote(CANARY, who="ana")
    serve(clock, 60)
    clear(CANARY, who="ana")
    assert keeper.look() == []


def test_a_clear_before_the_process_started_is_no_beginning(clock, keeper):
    promote(CANARY, who="ana")
    clear(CANARY, who="ana")
    serve(clock, 60)
    keeper = keeper(CANARY)
    serve(clock, 20)
    assert keeper.look() == []


def test_what_an_operator_did_meanwhile_is_not_undone_by_what_was_judged_before(clock, keeper, monkeypatch):
    keeper = keeper(CANARY)
    serve(clock, 30, errors=10)
    act = Keeper._act

    def late(self, case, step):
        promote(CANARY, who="ana", to="live")
        return act(self, case, step)

    monkeypatch.setattr(Keeper, "_act", late)
    assert keeper.look() == []
    assert standing(CANARY).state == State("live")


def test_errors_of_an_earlier_step_are_not_held_against_a_later_one(clock, keeper):
    keeper = keeper(CANARY)
    serve(clock, 30, errors=10)
    rollback(CANARY, who="ana")
    clock.now += 1
    promote(CANARY, who="ana", to="canary")
    assert keeper.look() == []


def test_of_two_workers_one_acts_and_the_other_says_nothing(clock, keeper, monkeypatch, caplog):
    first, second = keeper(CANARY), keeper(CANARY)
    serve(clock, 30, errors=10)
    act = Keeper._act

    def late(self, case, step):
        monkeypatch.setattr(Keeper, "_act", act)
        assert len(first.look()) == 1
        caplog.clear()
        return act(self, case, step)

    monkeypatch.setattr(Keeper, "_act", late)
    assert second.look() == []
    assert caplog.records == []
    assert RouteState.objects.get().stage == "legacy"
    assert len(log()) == 1


def test_the_traffic_of_all_workers_counts(clock, keeper):
    keeper = keeper(CANARY)
    for worker in ("a", "b", "c"):
        clock.now -= 0 if worker == "a" else SLOT
        serve(clock, SLOT, errors=10, worker=worker)
    keeper.look()
    assert log() == [("guard", "rollback", "legacy", 0)]


def test_a_route_is_judged_thirty_times_in_its_window(clock, keeper, django_assert_num_queries):
    keeper = keeper(CANARY)
    keeper.look()
    clock.now += 1.9
    with django_assert_num_queries(0):
        keeper.look()
    clock.now += 0.2
    with django_assert_num_queries(4):  # rows, clears, both kinds of slots
        keeper.look()


def test_a_paused_route_keeps_its_state(clock, keeper):
    keeper(CANARY).look()
    assert standing(CANARY).state == State("canary", 10)


# -- sides that only mirrors ask ------------------------------------------------------------------


def asked(requests, errors=0, *, seconds=0.01):
    return tally(*[seconds] * requests, errors=errors)


def judged(stage, **sides):
    route = make_route(stage=stage)
    case = Case(route, guard_of(route), Standing(State(stage)), since=0.0, now=1_800_000_000.0)
    return case.judgement(Seen(**sides))


@pytest.mark.parametrize(("errors", "verdict"), [(0, Verdict.HEALTHY), (50, Verdict.FAILING)])
def test_in_shadow_the_service_is_judged_by_how_it_answered_mirrors(errors, verdict):
    mirrored = Mirrored(mirrored=100, equal=100)
    found = judged("shadow", legacy=asked(100), service_mirrored=asked(100, errors), mirrored=mirrored)
    assert found.verdict is verdict


def test_a_live_route_is_compared_with_how_legacy_answered_mirrors():
    slow = judged("live", service=asked(200, seconds=0.2), legacy_mirrored=asked(200))
    alone = judged("live", service=asked(200, seconds=0.2))
    assert (slow.verdict, alone.verdict) == (Verdict.FAILING, Verdict.HEALTHY)


def test_in_canary_callers_of_legacy_count_and_not_mirrors():
    found = judged("canary", service=asked(200), legacy=asked(200), legacy_mirrored=asked(200, errors=200))
    assert found.verdict is Verdict.HEALTHY
