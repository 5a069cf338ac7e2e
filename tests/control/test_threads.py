"""The two threads of a process: what they publish and store, and what they do while the database is away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DataError, InterfaceError, OperationalError, ProgrammingError, connection

from gateway.clock import SYSTEM
from gateway.config.hooks import Hook
from gateway.config.rollout import RolloutSettings
from gateway.config.services import BreakerSettings
from gateway.control import database, writer
from gateway.control import periodic as repeated
from gateway.control import worker as sync
from gateway.control.models import CounterWindow, DifferenceGroup, RouteDifferences, RouteState, Worker
from gateway.control.periodic import PeriodicThread
from gateway.control.poller import Poller
from gateway.control.store import Origin
from gateway.control.worker import Control
from gateway.control.writer import Writer
from gateway.mirroring.difference_log import DifferenceLog, FoundGroup
from gateway.randomness import RANDOMNESS
from gateway.recording.callers import CallerLookup
from gateway.recording.recordings import Recordings
from gateway.rollout.breaker import CircuitBreaker
from gateway.rollout.stage import State
from gateway.stats.counters import KEPT, Counters
from gateway.stats.tally import COUNTER_WINDOW
from tests.control.conftest import make_route, promote
from tests.support.server import eventually

CATALOG = make_route()
FOUND = FoundGroup("catalog", "GET /api/products/", "f00", "type", "/price", "breaking", "type of /price changed", 2)


class Snapshot:
    """Only what Control uses of one."""

    def __init__(self, states: dict[str, State], revision: int) -> None:
        self.states, self.revision = states, revision
        self.routes = {"catalog": CATALOG}

    def at(self, states: dict[str, State], revision: int) -> Snapshot:
        return Snapshot(states, revision)


def make_recordings() -> Recordings:
    legacy: Any = SimpleNamespace(kept_cookies=())
    return Recordings(SYSTEM, RANDOMNESS.random, CallerLookup(legacy))


class FakeGateway:
    """Only what Control uses of one. `published` are the snapshots after the first."""

    def __init__(self) -> None:
        self.config = SimpleNamespace(rollout=RolloutSettings(poll=0.01, flush=0.01), services={}, hooks=())
        self.clock, self.randomness = SYSTEM, RANDOMNESS
        self.counters = Counters()
        self.difference_log = DifferenceLog()
        self.recordings = make_recordings()
        self.readiness = SimpleNamespace(polled_now=lambda: None)
        self.mirroring = SimpleNamespace(rules=SimpleNamespace(accept=lambda _accepted: None))
        self.breakers: dict[str, CircuitBreaker] = {}
        self.snapshot = Snapshot({}, 0)
        self.published: list[Snapshot] = []

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.published.append(snapshot)


@pytest.fixture
def gateway() -> Any:
    return FakeGateway()


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name in ("gateway-poll", "gateway-write")]


# -- all of it ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_move_is_in_force_and_what_was_counted_is_stored(gateway: Any) -> None:
    promote(CATALOG, who="ana")

    async def serve() -> None:
        control = Control(gateway)
        await control.startup()
        assert gateway.snapshot.states == {"catalog": State("shadow")}  # before anything is served
        await asyncio.to_thread(promote_here, "canary")
        assert await asyncio.to_thread(eventually, lambda: gateway.snapshot.revision == 2)
        gateway.counters.request("catalog", "service", 200, 0.01)
        gateway.difference_log.restore(SimpleNamespace(groups=(FOUND,), beyond=1, matches={}))
        await control.shutdown()

    asyncio.run(serve())
    assert own_threads() == []
    assert CounterWindow.objects.get().requests == 1
    assert DifferenceGroup.objects.get().count == 2
    worker = Worker.objects.get()
    assert (worker.revision, worker.lost_differences) == (2, 1)


def promote_here(to: str) -> None:
    try:
        promote(CATALOG, who="ana", to=to)
    finally:
        connection.close()


def test_it_says_how_many_connections_its_threads_may_open(gateway: Any) -> None:
    assert Control(gateway).connections == 2
    gateway.config.hooks = (Hook("chat", frozenset(), url="http://127.0.0.1/"), Hook("freeze", frozenset(), call="a:b"))
    assert Control(gateway).connections == 2 + 1 + 1


@pytest.mark.django_db(transaction=True)
def test_it_can_be_started_again(gateway: Any) -> None:
    control = Control(gateway)
    for _ in range(2):
        asyncio.run(control.startup())
        asyncio.run(control.shutdown())
    assert Worker.objects.count() == 2
    assert own_threads() == []


def test_a_database_that_hangs_keeps_the_server_neither_from_starting_nor_from_ending(
    gateway: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(repeated, "prepare", hanging.wait)
    monkeypatch.setattr(repeated, "let_go", lambda: None)
    monkeypatch.setattr(sync, "FIRST", 0.05)
    monkeypatch.setattr(sync, "END", 0.05)
    monkeypatch.setattr(Poller, "look", lambda _: None)
    monkeypatch.setattr(Writer, "work", lambda _: None)
    monkeypatch.setattr(Writer, "last", lambda _: None)

    async def serve() -> None:
        control = Control(gateway)
        await control.startup()
        await control.shutdown()

    asyncio.run(serve())
    said = [record.getMessage() for record in caplog.records]
    hanging.set()
    assert said == [
        "the database did not answer in 0.05 s: routes stand where the file says",
        "gateway-poll still waits for the database, and is left behind",
        "gateway-write still waits for the database, and is left behind",
    ]
    assert eventually(lambda: own_threads() == [])


@pytest.mark.django_db(transaction=True)
def test_a_thread_sees_what_others_commit_where_autocommit_is_off() -> None:
    connection.set_autocommit(False)
    database.prepare()
    assert connection.get_autocommit()


def test_a_connection_that_cannot_be_closed_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        alias = "broken"

        def close(self) -> None:
            raise InterfaceError

    connections = FakeConnections([Broken()])
    monkeypatch.setattr(database, "connections", connections)
    database.let_go()
    assert connections.let_go == ["broken"]


class FakeConnections:
    def __init__(self, opened: list[Any]) -> None:
        self._opened = opened
        self.let_go: list[str] = []

    def all(self, *, initialized_only: bool) -> list[Any]:
        return self._opened

    def __delitem__(self, alias: str) -> None:
        self.let_go.append(alias)


# -- a thread --------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., PeriodicThread]:
    """Run a thread until `work` has been called for all of `results`: exceptions are raised."""
    monkeypatch.setattr(repeated, "prepare", lambda: None)
    monkeypatch.setattr(repeated, "tidy", lambda: None)
    monkeypatch.setattr(repeated, "let_go", lambda: None)
    monkeypatch.setattr(repeated, "PAUSE", 0.0)

    def run(*results: Exception | None) -> PeriodicThread:
        left, done = list(results), threading.Event()

        def work() -> None:
            if not left:
                done.set()
                return
            if (result := left.pop(0)) is not None:
                raise result

        thread = PeriodicThread("gateway-test", 0.0, work, meanwhile="all is as it was")
        thread.start()
        assert done.wait(30)
        thread.stop()
        assert thread.join(30)
        return thread

    return run


AWAY = OperationalError("connection refused")


def test_an_outage_is_logged_once_and_so_is_its_end(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    run(None, AWAY, AWAY, InterfaceError("closed"), AWAY, None, None)
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "the database is away (connection refused); all is as it was"
    assert said[1].startswith("the database is back after ")
    assert len(said) == 2


def test_each_outage_is_logged(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    run(AWAY, None, AWAY, None)
    assert len(caplog.records) == 4


@pytest.mark.parametrize(
    "error", [ProgrammingError('relation "x" does not exist'), OperationalError("no such table: x")]
)
def test_missing_tables_are_told_apart(run: Any, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    run(error)
    assert "run `manage.py migrate`; until then all is as it was" in caplog.records[0].getMessage()


def test_what_nobody_expected_does_not_end_the_thread(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    run(ZeroDivisionError(), None)
    assert caplog.records[0].getMessage() == "gateway-test failed; all is as it was"
    assert caplog.records[0].exc_info


@pytest.mark.parametrize(
    ("error", "settles"), [(AWAY, False), (OperationalError("no such table: x"), True), (ValueError(), True)]
)
def test_the_start_waits_only_where_waiting_may_help(
    run: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, settles: bool
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(repeated.logger, "disabled", True)
    thread = PeriodicThread("gateway-test", 0.0, fail, meanwhile="")
    thread._once()
    assert thread.settled.is_set() == settles


# -- the poller ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_while_nothing_changes_a_look_is_one_statement(gateway: Any, django_assert_num_queries: Any) -> None:
    promote(CATALOG, who="ana")
    poller = Poller(gateway)
    poller.look()
    with django_assert_num_queries(1):
        poller.look()
    assert len(gateway.published) == 1


@pytest.mark.django_db
def test_each_look_that_succeeds_is_noted(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness goes by the age of the last one."""
    looked: list[str] = []
    poller = Poller(gateway, polled=lambda: looked.append("read"))
    poller.look()
    promote(CATALOG, who="ana")
    poller.look()
    monkeypatch.setattr("gateway.control.poller.Revision", None)
    with pytest.raises(AttributeError):
        poller.look()
    assert looked == ["read", "read"]


@pytest.mark.django_db
def test_a_row_that_makes_no_sense_leaves_the_others_in_force(
    gateway: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    promote(CATALOG, who="ana")
    promote(make_route("cart"), who="ana")
    nonsense = [RouteState(route="odd", stage="live", weight=5.0), *RouteState.objects.all()]
    monkeypatch.setattr("gateway.control.poller.RouteState", SimpleNamespace(objects=FakeManager(nonsense)))
    Poller(gateway).look()
    assert gateway.snapshot.states == {"catalog": State("shadow"), "cart": State("shadow")}
    assert "'odd' makes no sense" in caplog.text


class FakeManager:
    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def using(self, _: str) -> list[Any]:
        return self._rows


# -- the writer ------------------------------------------------------------------------------------


class Clock:
    """Moved by tests."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A writer with its counters, report and worker."""
    counters, report = Counters(clock), DifferenceLog()
    worker = sync._worker({"items": "r1"}, FakeGateway())
    guard_loop: Any = SimpleNamespace(look=list)
    breaker = CircuitBreaker("catalog", breaker=BreakerSettings(minimum=1))
    recordings = make_recordings()
    made = Writer(
        worker,
        Origin(worker.started),
        counters,
        report,
        guard_loop,
        lambda: 0,
        clock,
        {"catalog": breaker},
        RANDOMNESS,
        recordings,
        {},
    )
    return SimpleNamespace(
        work=made.work,
        last=made.last,
        counters=counters,
        difference_log=report,
        worker=worker,
        breaker=breaker,
        recordings=recordings,
    )


@pytest.mark.django_db
def test_only_what_is_new_is_written(writing: Any, django_assert_num_queries: Any) -> None:
    writing.counters.request("catalog", "service", 200, 0.01)
    writing.work()
    with django_assert_num_queries(0):
        writing.work()


@pytest.mark.django_db
def test_a_slot_is_forgotten_once_it_is_stored_and_over(writing: Any, clock: Clock) -> None:
    writing.counters.request("catalog", "service", 200, 0.01)
    writing.work()
    clock.now += 2 * COUNTER_WINDOW
    writing.counters.request("catalog", "service", 200, 0.01)
    writing.work()
    assert len(writing.counters.take().windows) == 1
    assert CounterWindow.objects.count() == 2


@pytest.mark.django_db
def test_comparisons_are_counted_once(writing: Any) -> None:
    for breaking in (True, False):
        writing.counters.compare("catalog", breaking=breaking, warning=False)
        writing.counters.control("catalog")
        writing.work()
        writing.work()
    row = RouteDifferences.objects.get()
    assert (row.compared, row.controls) == (2, 2)


@pytest.mark.django_db
def test_a_slot_that_is_only_just_over_is_kept(writing: Any, clock: Clock) -> None:
    writing.counters.request("catalog", "service", 200, 0.01)
    clock.now += COUNTER_WINDOW
    writing.counters.request("catalog", "service", 200, 0.01)
    writing.work()
    assert len(writing.counters.take().windows) == 2


@pytest.mark.django_db
def test_what_was_counted_too_long_ago_to_be_kept_is_counted_as_lost(writing: Any, clock: Clock) -> None:
    for _ in range(KEPT + 2):
        writing.counters.request("catalog", "service", 200, 0.01)
        clock.now += COUNTER_WINDOW
    writing.work()
    assert Worker.objects.get().lost_requests == 2


@pytest.mark.django_db
def test_what_could_not_be_stored_is_stored_next_time(writing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    writing.counters.request("catalog", "service", 200, 0.01)
    writing.difference_log.restore(SimpleNamespace(groups=(FOUND,), beyond=0, matches={}))
    for name in ("write_counts", "write_found"):
        with monkeypatch.context() as away:
            away.setattr(writer, name, raising(AWAY))
            with pytest.raises(OperationalError):
                writing.work()
    writing.work()
    assert CounterWindow.objects.get().requests == 1
    assert DifferenceGroup.objects.get().count == 2


@pytest.mark.django_db
def test_differences_that_can_never_be_stored_are_counted_and_given_up(
    writing: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writing.difference_log.restore(SimpleNamespace(groups=(FOUND,), beyond=0, matches={}))
    monkeypatch.setattr(writer, "write_found", raising(DataError("too odd")))
    writing.work()
    assert writing.difference_log.drain().groups == ()
    assert Worker.objects.get().lost_differences == 2
    assert "differences could not be stored" in caplog.text


@pytest.fixture
def samples(writing: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What becomes of what was recorded."""
    told: list[str] = []
    monkeypatch.setattr(writing.recordings, "drain", lambda: ["a batch"])
    for name in ("restore", "stored"):
        monkeypatch.setattr(writing.recordings, name, lambda batches, name=name: told.extend((name, *batches)))
    return told


@pytest.mark.django_db
def test_what_was_recorded_and_could_not_be_stored_is_stored_next_time(
    writing: Any, samples: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "write_batches", raising(AWAY))
    with pytest.raises(OperationalError):
        writing.work()
    assert samples == ["restore", "a batch"]


@pytest.mark.django_db
def test_what_was_recorded_and_can_never_be_stored_is_given_up(
    writing: Any, samples: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "write_batches", raising(DataError("too odd")))
    writing.work()
    assert samples == ["stored", "a batch"]
    assert "what was recorded could not be stored" in caplog.text


@pytest.mark.django_db
def test_where_nothing_is_lost_in_the_end_nothing_is_said(
    writing: Any, samples: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "write_batches", raising(AWAY))
    writing.last()
    assert samples == ["restore", "a batch"]
    assert caplog.text == ""


@pytest.mark.django_db
def test_what_is_lost_in_the_end_is_said(
    writing: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writing.counters.request("catalog", "service", 200, 0.01)
    writing.work()
    writing.counters.request("catalog", "service", 200, 0.01)
    monkeypatch.setattr(writer, "write_counts", raising(AWAY))
    writing.last()
    assert "lost what was counted: 1 requests, 0 differences (connection refused)" in caplog.text


@pytest.mark.django_db
def test_a_worker_gives_a_sign_of_life_every_ten_seconds(writing: Any, clock: Clock) -> None:
    writing.work()
    seen = Worker.objects.get().seen
    clock.now += 9
    writing.work()
    assert Worker.objects.get().seen == seen
    clock.now += 1
    writing.work()
    assert Worker.objects.get().seen > seen


@pytest.mark.django_db
def test_retention_is_seen_to_now_and_then(writing: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []
    monkeypatch.setattr(writer, "retain", lambda now: times.append(now.timestamp()))
    for _ in range(100):
        clock.now += 60
        writing.work()
    assert 5 <= len(times) <= 21


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.django_db
def test_a_worker_says_what_it_leaves_alone_and_what_it_refused(writing):
    writing.breaker.end(0.0, True, writing.breaker.acquire(0.0))
    writing.counters.refuse(400)
    writing.work()
    [row] = Worker.objects.all()
    assert row.resting == {"catalog": "service 'catalog' rests for 5 s after failures (1 of 1 in 60 s)"}
    assert row.refused == {"400": 1}
