"""Events on their way: stored with the change, delivered once, again after a failure, given up after a day."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import transaction

from gateway.clock import utc_now
from gateway.control import transitions as moves
from gateway.control.hooks import delivery, outbox
from gateway.control.hooks.delivery import Deliverer, deliver_now
from gateway.control.hooks.events import Event
from gateway.control.hooks.outbox import claim, forget, mark, marked, settle, tell
from gateway.control.hooks.sending import CallResult
from gateway.control.models import Change, EventMark, HookDelivery
from gateway.control.timestamps import NEVER
from gateway.control.transitions import clear, current_state, pause, resume, rollback
from tests.control.conftest import make_route, promote
from tests.control.hooks.conftest import answers, called, calls, deliveries, make_hook
from tests.support.receiver import Answer, receiving
from tests.support.server import eventually

pytestmark = pytest.mark.django_db

DELIVERED, WAITING, FAILED = HookDelivery.DELIVERED, HookDelivery.WAITING, HookDelivery.FAILED


@pytest.fixture(autouse=True)
def moved_by_the_clock(clock, monkeypatch):
    monkeypatch.setattr(moves, "utc_now", lambda: utc_now(clock))


def with_hooks(*hooks, **table):
    return make_route(**table).with_hooks(hooks)


# -- what is stored ------------------------------------------------------------------------------


def test_a_move_is_told_with_who_why_from_and_to(deliver):
    hook = called()
    promote(with_hooks(hook), who="ana", why="ready")
    assert calls == []  # before it is delivered
    deliver(hook)
    (event,) = calls
    assert event["type"] == "promote"
    assert event["data"] == {
        "route": "catalog",
        "service": "items",
        "from": {"stage": "legacy", "weight_percent": None, "paused": False},
        "to": {"stage": "shadow", "weight_percent": None, "paused": False},
        "who": "ana",
        "why": "ready",
        "anyway": False,
        "revision": 1,
    }


def test_every_verb_is_told(deliver):
    hook = called()
    route = with_hooks(hook, stage="canary", weight=5)
    for verb in (promote, pause, resume, rollback):
        verb(route, who="ana")
        deliver(hook)
    clear(route, who="ana", anyway=True, why="tested")
    deliver(hook)
    assert [event["type"] for event in calls] == ["promote", "pause", "resume", "rollback", "clear"]
    assert (calls[0]["data"]["to"]["weight_percent"], calls[4]["data"]["anyway"]) == (25.0, True)


def test_a_hook_is_told_of_its_routes_and_events_only(deliver):
    hook = called(events=["rollback"], routes=["cata*"])
    for name in ("catalog", "cart"):
        route = with_hooks(hook, name=name)
        promote(route, who="ana")
        rollback(route, who="ana")
    deliver(hook)
    assert [(event["type"], event["data"]["route"]) for event in calls] == [("rollback", "catalog")]


def test_a_move_that_is_not_made_is_told_to_nobody(monkeypatch):
    hook = called()
    route = with_hooks(hook)

    def crash(_):
        raise RuntimeError("here the process ends")

    monkeypatch.setattr(moves, "_log", crash)
    with pytest.raises(RuntimeError):
        promote(route, who="ana")
    with pytest.raises(moves.Conflict):
        rollback(route, who="ana", expected=7)
    assert deliveries() == []


def test_nor_is_one_that_the_caller_undoes():
    route = with_hooks(called())
    with transaction.atomic():
        promote(route, who="ana")
        transaction.set_rollback(True)
    assert (deliveries(), Change.objects.count()) == ([], 0)


def test_before_the_tables_are_there_a_rollback_works_and_nobody_is_told(monkeypatch, caplog):
    monkeypatch.setattr(HookDelivery._meta, "db_table", "gateway_control_not_migrated")
    route = with_hooks(called(), stage="live")
    assert rollback(route, who="ana").after.stage == "legacy"
    assert current_state(route).state.stage == "legacy"
    assert "no hook is told of anything before `manage.py migrate` has run" in caplog.text


def test_long_texts_are_cut_and_what_no_database_stores_is_replaced(deliver, clock):
    hook = called()
    tell([hook], Event("promote", {"why": "a\0b\ud800" + "x" * 5000, "reasons": ["x"] * 50}, utc_now(clock)))
    deliver(hook)
    why = calls[0]["data"]["why"]
    assert len(calls[0]["data"]["reasons"]) == 20
    assert why.startswith("a\ufffdb?x")
    assert len(why) == 1000


def test_so_many_events_wait_and_no_more(monkeypatch, caplog):
    monkeypatch.setattr(outbox, "MOST_WAITING", 2)
    route = with_hooks(called(), called("other", events=["rollback"]), stage="live")
    rollback(route, who="ana", to="shadow")
    rollback(route, who="ana")
    promote(route, who="ana")
    assert [hook for hook, _, _ in deliveries()] == ["ops", "other", "ops", "other"]
    assert "hook 'ops' is not told of a promote: 2 events wait for it" in caplog.text


# -- delivery ------------------------------------------------------------------------------------


def test_what_was_delivered_is_not_delivered_again(deliver):
    hook = called()
    promote(with_hooks(hook), who="ana")
    deliver(hook)
    deliver(hook)
    assert (len(calls), deliveries()) == (1, [("ops", DELIVERED, 1)])


def test_after_an_error_it_is_delivered_again_with_the_same_id(receiver, deliver, clock):
    hook = make_hook(url=receiver.url)
    statuses = [500, 200]
    receiver.answer = lambda _: Answer(statuses.pop(0))
    promote(with_hooks(hook), who="ana")
    deliver(hook)
    assert deliveries() == [("ops", WAITING, 1)]
    deliver(hook)  # too early
    clock.advance(7.5)
    deliver(hook)
    assert deliveries() == [("ops", DELIVERED, 2)]
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == first.json["id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 7


def test_after_a_refused_connection_too(deliver, clock):
    with receiving() as gone:
        port = gone.port
    hook = make_hook(url=f"http://127.0.0.1:{port}/")
    promote(with_hooks(hook), who="ana")
    deliver(hook)
    row = HookDelivery.objects.get()
    assert (row.state, row.status) == (WAITING, None)
    assert row.problem.startswith("can't be reached: ")
    clock.advance(10)
    with receiving(port) as receiver:
        deliver(hook)
        assert receiver.types() == ["promote"]


def test_the_pauses_double_to_an_hour_and_vary():
    seconds = [outbox.pause(attempts, 0.5).total_seconds() for attempts in range(1, 13)]
    assert seconds == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert [outbox.pause(1, draw).total_seconds() for draw in (0.0, 0.9999)] == [2.5, pytest.approx(7.5, abs=0.01)]


def test_after_a_day_it_is_given_up_and_stays_visible(deliver, clock, caplog):
    hook = called()
    promote(with_hooks(hook), who="ana")
    answers[:] = [RuntimeError("down")] * 2
    deliver(hook)
    clock.advance(86400)
    deliver(hook)
    row = HookDelivery.objects.get()
    assert (row.state, row.attempts, row.problem) == (FAILED, 2, "raised RuntimeError: down")
    assert "hook 'ops' was not told of event" in caplog.text
    clock.advance(86400)
    deliver(hook)
    assert len(calls) == 2


def test_a_process_that_dies_while_it_delivers_is_replaced(deliver, clock):
    hook = called(timeout=2.0)
    promote(with_hooks(hook), who="ana")
    assert claim(hook, utc_now(clock)) is not None  # and then it dies
    deliver(hook)
    assert calls == []
    clock.advance(2 + 30)
    deliver(hook)
    assert deliveries() == [("ops", DELIVERED, 2)]


@pytest.mark.parametrize(("asked", "waits"), [(600, 600), (1e9, 3600), (0, 5)])
def test_who_says_when_is_told_again_then_and_at_most_in_an_hour(clock, asked, waits):
    promote(with_hooks(called()), who="ana")
    began = utc_now(clock)
    settle(claim(called(), began), CallResult("answered 429", again=asked), began, 0.5)
    (row,) = HookDelivery.objects.all()
    assert waits <= (row.due - began).total_seconds() <= waits + 5


def test_one_of_two_claims_succeeds(clock):
    hook = called()
    promote(with_hooks(hook), who="ana")
    found = [claim(hook, utc_now(clock)) for _ in range(2)]
    assert [row is not None for row in found] == [True, False]


def test_a_late_failure_does_not_undo_what_another_process_delivered(clock):
    hook = called()
    promote(with_hooks(hook), who="ana")
    late = claim(hook, utc_now(clock))
    clock.advance(60)
    settle(claim(hook, utc_now(clock)), CallResult(), utc_now(clock), 0.5)
    settle(late, CallResult("failed"), utc_now(clock), 0.5)
    assert deliveries() == [("ops", DELIVERED, 2)]


def test_a_slow_hook_delays_no_other(clock):
    over = threading.Event()
    with receiving() as slow, receiving() as quick:
        slow.answer = lambda _: over.wait() and Answer()
        hooks = [make_hook("slow", url=slow.url, timeout=30.0), make_hook("quick", url=quick.url)]
        route = with_hooks(*hooks, stage="live")
        rollback(route, who="ana", to="shadow")
        deliverer = Deliverer(hooks, clock)
        assert eventually(lambda: deliverer.work() and DELIVERED in [state for _, state, _ in deliveries()])
        rollback(route, who="ana")
        assert eventually(lambda: deliverer.work() and len(quick.got) == 2)
        assert len(slow.got) == 1
        over.set()
        assert eventually(lambda: not deliverer.work())
        assert slow.types() == quick.types() == ["rollback", "rollback"]


def test_a_function_that_never_ends_is_called_three_times_by_a_process(clock, monkeypatch):
    over = threading.Event()
    hook = make_hook(call=f"{__name__}:hang", timeout=0.05)
    hanging.append(over)
    route = with_hooks(hook)
    promote(route, who="ana")
    monkeypatch.setattr(delivery, "HookCall", lambda hook, payload, _: HookCall(hook, payload))
    deliverer = Deliverer([hook], clock)
    for _ in range(5):
        assert eventually(lambda: not deliverer.work())
        clock.advance(3600)
    assert len(started) == 3
    over.set()


HookCall = delivery.HookCall
hanging: list[threading.Event] = []
started: list[object] = []


def hang(event):
    started.append(event)
    hanging[0].wait()


def test_a_process_that_ends_stores_what_came_of_the_calls_under_way(receiver):
    hook = make_hook(url=receiver.url)
    promote(with_hooks(hook), who="ana")
    HookDelivery.objects.update(due=NEVER)
    deliverer = Deliverer([hook])
    assert deliverer.work()
    deliverer.last()
    assert deliveries() == [("ops", DELIVERED, 1)]


def test_a_command_delivers_for_a_short_time(receiver, caplog):
    over = threading.Event()
    receiver.answer = lambda _: over.wait() and Answer()
    hook = make_hook(url=receiver.url, timeout=20.0)
    promote(with_hooks(hook), who="ana")
    HookDelivery.objects.update(due=NEVER)
    deliver_now([hook], seconds=0.05)
    over.set()
    assert deliveries() == [("ops", WAITING, 1)]  # for the processes that serve


# -- what is kept --------------------------------------------------------------------------------


def test_what_is_old_is_deleted(clock):
    hook = called()
    route = with_hooks(hook)
    for days, state in ((6, DELIVERED), (8, DELIVERED), (29, FAILED), (31, FAILED)):
        tell([hook], Event("promote", {"route": route.name}, utc_now(clock)))
        ended = utc_now(clock) - timedelta(days=days)
        HookDelivery.objects.filter(state=WAITING).update(state=state, ended=ended, created=ended)
    EventMark.objects.create(key="old", at=utc_now(clock) - timedelta(days=91))
    forget(utc_now(clock))
    assert [state for _, state, _ in deliveries()] == [DELIVERED, FAILED]
    assert not EventMark.objects.exists()


def test_what_nobody_delivers_is_given_up(clock):
    tell([called()], Event("promote", {}, utc_now(clock)))
    clock.advance(86400)
    forget(utc_now(clock))
    assert [state for _, state, _ in deliveries()] == [WAITING]
    clock.advance(3 * 3600)
    forget(utc_now(clock))
    assert [state for _, state, _ in deliveries()] == [FAILED]


def test_a_mark_is_set_by_one_and_holds_for_a_while(clock):
    now = utc_now(clock)
    ago = timedelta(minutes=10)
    assert [mark("it", now, now - ago), mark("it", now, now - ago), mark("other", now, now - ago)] == [
        True,
        False,
        True,
    ]
    assert (marked("it", now - ago), marked("unknown", now - ago)) == (True, False)
    later = now + ago
    assert mark("it", later, later - ago)


def test_there_is_no_query_for_those_without_hooks(django_assert_num_queries):
    with django_assert_num_queries(0):
        tell([], Event("promote", {}, utc_now()))
