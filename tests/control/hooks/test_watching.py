"""What nobody does is told as well: breaking differences, open breakers, a ramp that is held."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from gateway.clock import utc_now
from gateway.config.services import BreakerSettings
from gateway.control import reports
from gateway.control import transitions as moves
from gateway.control.guarding import GuardLoop
from gateway.control.hooks.watching import BreakerWatch, tell_of_difference
from gateway.control.models import Change, DifferenceGroup, EventMark, HookDelivery, Worker
from gateway.control.settle import resolve
from gateway.control.store import Origin, write_counts, write_found
from gateway.control.transitions import rollback
from gateway.mirroring.difference_log import FoundGroup
from gateway.rollout.breaker import CircuitBreaker
from gateway.rollout.stage import State
from gateway.stats.tally import COUNTER_WINDOW, Mirrored
from tests.control.conftest import make_route, tally
from tests.control.hooks.conftest import answers, called, calls, make_hook
from tests.support.server import eventually

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def moved_by_the_clock(clock, monkeypatch):
    monkeypatch.setattr(moves, "utc_now", lambda: utc_now(clock))


def told():
    """The types of what was stored, and the data."""
    return [(row.payload["type"], row.payload["data"]) for row in HookDelivery.objects.order_by("pk")]


# -- differences ---------------------------------------------------------------------------------

ROUTE = make_route().with_hooks([called()])


@pytest.fixture
def find(clock):
    """A worker finds differences under a release."""

    def find(*groups, release="r1", route=ROUTE):
        origin = Origin(utc_now(clock), {route.name: release})
        now = utc_now(clock)
        write_found(groups, {}, now, origin, lambda row, seen: tell_of_difference(route, row, seen, now))
        clock.advance(1)

    return find


def found(key="a1b2", severity="breaking", count=1, noise=0):
    return FoundGroup("catalog", "GET /catalog/", key, "type", "/price", severity, "type changed", count, noise)


def test_the_first_breaking_difference_of_a_route_is_told_and_no_other(find):
    find(found(severity="warning"))
    find(found("b1"), found("b2", "critical"))
    find(found("b1"), found("b3"))
    ((kind, data),) = told()
    assert kind == "breaking_difference"
    assert data == {
        "route": "catalog",
        "service": "items",
        "release": "r1",
        "template": "GET /catalog/",
        "kind": "type",
        "pointer": "/price",
        "severity": "critical",
        "summary": "type changed",
        "fingerprint": "b2",
    }


def test_another_release_has_a_first_one_again(find):
    find(found())
    find(found(), release="r2")
    assert [data["release"] for _, data in told()] == ["r1", "r2"]


def test_so_has_one_that_was_resolved_and_is_seen_again(find, clock):
    find(found())
    resolve("a1b2", who="ana", why="legacy was wrong", at=utc_now(clock))
    clock.advance(1)
    find(found("c3d4"))
    assert len(told()) == 1
    find(found())
    find(found())
    assert [data["fingerprint"] for _, data in told()] == ["a1b2", "a1b2"]


def test_noise_is_told_to_nobody(find):
    find(found(count=1, noise=1))
    assert told() == []


def test_before_the_tables_are_there_differences_are_stored_all_the_same(find, monkeypatch, caplog):
    monkeypatch.setattr(EventMark._meta, "db_table", "gateway_control_not_migrated")
    find(found())
    assert DifferenceGroup.objects.get().count == 1
    assert "no hook is told of anything before `manage.py migrate` has run" in caplog.text


def test_without_a_hook_for_it_nothing_is_asked_of_the_database(find):
    find(found(), route=make_route().with_hooks([called(events=["promote"])]))
    assert told() == []


# -- breakers ------------------------------------------------------------------------------------


@pytest.fixture
def process(clock):
    """A process with a breaker of the service, which looks at it."""

    def make(pid, *routes):
        breaker = CircuitBreaker("items", breaker=BreakerSettings(minimum=1, cooldown=5.0))
        worker = Worker(id=str(pid), host="web-1", pid=pid)
        watch = BreakerWatch({route.name: route for route in routes}, {"items": breaker}, worker, clock)
        return SimpleNamespace(look=watch.look, breaker=breaker)

    return make


def fail(breaker, now=0.0, *, failed=True):
    breaker.end(now, failed, breaker.acquire(now))


def test_an_open_breaker_is_told_once_for_all_routes_of_its_service(process):
    hook = called()
    routes = [make_route(name).with_hooks([hook]) for name in ("catalog", "cart")]
    other = make_route("orders", service="orders").with_hooks([hook])
    one = process(1, *routes, other)
    one.look()
    assert told() == []
    fail(one.breaker)
    one.look()
    one.look()
    ((kind, data),) = told()
    assert (kind, data["service"], data["routes"]) == ("breaker_open", "items", ["catalog", "cart"])
    assert (data["host"], data["pid"]) == ("web-1", 1)
    assert data["reason"] == "service 'items' rests for 5 s after failures (1 of 1 in 60 s)"


def test_other_processes_do_not_repeat_it_for_ten_minutes(process, clock):
    both = [process(pid, ROUTE) for pid in (1, 2)]
    for one in both:
        fail(one.breaker)
        one.look()
    assert len(told()) == 1
    clock.advance(600)
    third = process(3, ROUTE)
    fail(third.breaker)
    third.look()
    assert [data["pid"] for _, data in told()] == [1, 3]


def test_it_is_told_again_once_it_was_closed(process, clock):
    one = process(1, ROUTE)
    fail(one.breaker)
    one.look()
    fail(one.breaker, 10.0, failed=False)
    one.look()
    assert one.breaker.cause is None
    clock.advance(600)
    fail(one.breaker, 20.0)
    one.look()
    assert len(told()) == 2


def test_one_that_opens_again_after_a_trial_stays_open(process, clock):
    one = process(1, ROUTE)
    fail(one.breaker)
    one.look()
    clock.advance(600)
    fail(one.breaker, 10.0)  # the trial
    one.look()
    assert (one.breaker.openings, len(told())) == (2, 1)


# -- the ramp ------------------------------------------------------------------------------------


def ramping(*hooks):
    return make_route(stage="canary", weight=10, interval=30.0).with_hooks(hooks)


def serve(clock, seconds):
    """`seconds` pass, with healthy requests to both sides."""
    for _ in range(seconds // COUNTER_WINDOW):
        clock.advance(COUNTER_WINDOW)
        start = int(clock.time()) // COUNTER_WINDOW * COUNTER_WINDOW
        tallies = {("catalog", side, start): tally(*[0.01] * 20) for side in ("service", "legacy")}
        write_counts("a", tallies, {("catalog", start): Mirrored(20, equal=20)})


@pytest.fixture
def guard_loop(clock):
    return lambda route: GuardLoop({route.name: route}, clock)


def looks(loop, clock):
    """The guard looks once the hooks that it asked have answered."""
    question = loop._questions._questions.get("catalog")
    asked = [] if question is None else question.asked
    assert eventually(lambda: not any(attempt.running for attempt in asked))
    clock.advance(1)
    loop.look()


def test_an_open_difference_holds_the_ramp_and_that_is_told_once(clock, guard_loop):
    loop = guard_loop(ramping(called()))
    write_found([found()], {}, utc_now(clock))
    serve(clock, 30)
    for _ in range(3):
        loop.look()
        clock.advance(5)
    ((kind, data),) = told()
    assert (kind, data["route"], data["from"]["weight_percent"], data["to"]["weight_percent"]) == (
        "hold",
        "catalog",
        10,
        25,
    )
    assert data["reasons"] == [
        "1 breaking difference is open: `gateway diffs catalog` shows what to fix, to accept or to resolve"
    ]


def test_the_ramp_asks_and_goes_on(clock, guard_loop):
    hook = called(events=["before_promote", "promote"])
    loop = guard_loop(ramping(hook))
    serve(clock, 30)
    assert loop.look() == []  # it is asked, and nobody waits
    looks(loop, clock)
    assert [(row.who, row.to_weight) for row in Change.objects.all()] == [("ramp", 25.0)]
    (event,) = calls
    assert (event["type"], event["data"]["who"]) == ("before_promote", "ramp")


def test_a_hook_that_refuses_holds_the_ramp_and_status_says_why(clock, guard_loop):
    route = ramping(called("freeze", events=["before_promote"]), called("chat"))
    loop = guard_loop(route)
    answers.append("change freeze")
    serve(clock, 30)
    loop.look()
    looks(loop, clock)
    assert not Change.objects.exists()
    ((kind, data),) = told()
    assert (kind, data["reasons"]) == ("hold", ["hook 'freeze' refuses: change freeze"])
    now = utc_now(clock)
    Worker.objects.create(id="a", pid=1, started=now - timedelta(minutes=1), seen=now)
    (status,) = reports.status([route], now)
    assert status.next == "is held: hook 'freeze' refuses: change freeze"


def test_it_asks_again_after_a_minute_and_one_process_of_several_asks(clock, guard_loop):
    route = ramping(called(events=["before_promote"]))
    loops = [guard_loop(route) for _ in range(3)]
    answers.append("not yet")
    serve(clock, 30)
    for loop in loops:
        loop.look()
    for loop in loops:
        looks(loop, clock)
    assert len(calls) == 1
    serve(clock, 60)
    for loop in loops:
        loop.look()
        looks(loop, clock)
    assert len(calls) == 2
    assert [row.to_weight for row in Change.objects.all()] == [25.0]


def test_while_a_hook_is_asked_the_guard_rolls_back(clock, guard_loop):
    route = ramping(make_hook(url="http://127.0.0.1:9/", timeout=30.0, events=["before_promote"]))
    loop = guard_loop(route)
    serve(clock, 30)
    loop.look()
    rollback(route, who="ana")
    looks(loop, clock)
    assert moves.current_state(route).state == State("legacy")


def test_held_is_forgotten_with_time(clock, guard_loop):
    route = ramping(called(events=["before_promote"]))
    loop = guard_loop(route)
    answers.append("not yet")
    serve(clock, 30)
    loop.look()
    looks(loop, clock)
    later = utc_now(clock) + timedelta(minutes=4)
    assert "refuses" not in reports.status([route], later)[0].next
