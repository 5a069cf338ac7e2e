"""A mirror of a write gives way: to who waits for its locks, and where it would have to wait itself."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from django.db import connections, transaction
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.db.utils import DatabaseError, IntegrityError, OperationalError

from gateway.context.mirror_scope import MirrorScope, NotShielded, mirror_scope
from gateway.shield import databases
from gateway.shield import watcher as watching
from gateway.shield.databases import shield_databases
from tests.shield.test_databases import PATIENCE, TABLE, add, on_a_thread, rows, run
from tests.support.databases import empty_database, known_as

TOLD = ("postgres", "mariadb")  # where the database tells who waits


WATCHERS: list[watching.Watcher] = []


@pytest.fixture(autouse=True)
def own_watcher(monkeypatch):
    """One that has nothing to do with what other tests in this process have left, and leaves nothing to them."""
    own = watching.Watcher()
    WATCHERS.append(own)
    monkeypatch.setattr(watching, "watcher", own)
    monkeypatch.setattr(databases, "watcher", own)
    yield own
    with own._lock:
        own._open.clear()
        own._remains = False
        own._lock.notify_all()


@pytest.fixture(scope="module", params=TOLD)
def alias(request, tmp_path_factory, django_db_blocker):
    shield_databases()
    with django_db_blocker.unblock(), empty_database(request.param, tmp_path_factory.mktemp("watched")) as database:
        name = f"watched_{request.param}"
        known_as(name, database.settings)
        on_a_thread(lambda: run(name, TABLE))
        yield name
        assert until(lambda: not any(one._running for one in WATCHERS))  # or the database could not be dropped
        connections.settings.pop(name)


@pytest.fixture(autouse=True)
def one_row(alias):
    on_a_thread(lambda: run(alias, "DELETE FROM thing", "INSERT INTO thing (id, name) VALUES (1, 'one')"))


def until(true):
    """Whether it comes true before patience ends."""
    waiting = threading.Event()
    return any(true() or waiting.wait(0.01) for _ in range(int(PATIENCE * 100)))


@contextmanager
def mirror_at_work(work, then=lambda: None, **options):
    """A mirror that has done `work` and holds its locks until the block ends, when it does `then`. Gives its scope."""
    scope, begun, over = MirrorScope(writes=True, **options), threading.Event(), threading.Event()

    def job():
        with mirror_scope(scope):
            try:
                work()
                begun.set()
                over.wait(PATIENCE)
                then()
            finally:
                begun.set()
                scope.end_here()

    thread = threading.Thread(target=lambda: suppressed(lambda: on_a_thread(job)))
    thread.start()
    begun.wait(PATIENCE)
    try:
        yield scope
    finally:
        over.set()
        thread.join()


def suppressed(work):
    with suppress(Exception):
        work()


def update(alias, number, name):
    with connections[alias].cursor() as cursor:
        cursor.execute("UPDATE thing SET name = %s WHERE id = %s", [name, number])


# -- who waits for a mirror -----------------------------------------------------------------------

HOLDS = {
    "a row": lambda alias: update(alias, 1, "mirrors"),
    "a unique key": lambda alias: add(alias, 2, "key"),
    "a row that it only read": lambda alias: run(alias, "SELECT name FROM thing WHERE id = 1 FOR UPDATE"),
}
WANTS = {
    "a row": lambda alias: update(alias, 1, "callers"),
    "a unique key": lambda alias: add(alias, 3, "key"),
    "a row that it only read": lambda alias: update(alias, 1, "callers"),
}


@pytest.mark.parametrize("what", HOLDS)
def test_a_mirror_that_holds_what_a_caller_waits_for_is_ended_though_it_does_nothing(alias, what):
    with mirror_at_work(lambda: HOLDS[what](alias)) as scope:
        on_a_thread(lambda: WANTS[what](alias))  # which waits for it, and would for ever
        assert scope.gave_way == "locks"
    assert list(rows(alias))[-1] in [("callers",), ("key",)]


def test_a_mirror_that_was_ended_fails_with_its_next_statement_and_leaves_nothing(alias):
    said = []

    def then():
        try:
            add(alias, 5)
        except OperationalError as exc:
            said.append(exc)

    with mirror_at_work(lambda: update(alias, 1, "mirrors"), then) as scope:
        on_a_thread(lambda: update(alias, 1, "callers"))
    assert said
    assert (scope.refusal, scope.transactions) == (None, {})
    assert list(rows(alias)) == [("callers",)]


def test_the_thread_of_a_mirror_that_was_ended_has_another_connection_for_its_next_caller(alias):
    def job():
        scope = MirrorScope(writes=True)
        with mirror_scope(scope):
            update(alias, 1, "mirrors")
        on_a_thread(lambda: update(alias, 1, "callers"))
        scope.end_here()
        with transaction.atomic(using=alias):
            update(alias, 1, "next")
        return connections[alias].get_autocommit()

    assert on_a_thread(job) is True
    assert list(rows(alias)) == [("next",)]


@pytest.mark.parametrize("options", [{"read_only": True}, {"databases": {"other": "itself"}}])
def test_one_that_nobody_can_wait_for_is_not_watched(alias, options):
    if "databases" in options:
        options = {"databases": {"other": alias}}  # its own: callers don't have it
    with mirror_at_work(lambda: run(alias, "SELECT 1 FROM thing"), **options) as scope:
        assert scope.transactions
        assert not watching.watcher._open


def test_one_that_remains_has_one_thread_whenever_mirrors_come(alias, own_watcher, monkeypatch):
    """So the thread has the priority that its process had when it was asked to remain."""
    monkeypatch.setattr(watching, "LINGER", 0.01)
    before = {*threading.enumerate()}
    own_watcher.remain()
    [thread] = {*threading.enumerate()} - before
    thread.join(0.1)
    with mirror_at_work(lambda: HOLDS["a row"](alias)) as scope:
        on_a_thread(lambda: WANTS["a row"](alias))
        assert scope.gave_way == "locks"
        assert "gateway-watcher" not in {one.name for one in {*threading.enumerate()} - before - {thread}}
    assert thread.is_alive()


@pytest.mark.long
def test_while_there_are_no_mirrors_of_writes_nobody_asks(alias):
    with mirror_at_work(lambda: update(alias, 1, "mirrors")):
        on_a_thread(lambda: update(alias, 1, "callers"))
        assert alias in watching.watcher._asking
    assert until(lambda: not watching.watcher._asking)
    assert until(lambda: not watching.watcher._running)


@pytest.mark.parametrize("alias", ["postgres"], indirect=True)
def test_who_waits_is_asked_by_no_connection_of_a_pool_that_callers_may_need(alias):
    pooled = connections.settings[alias] | {"OPTIONS": {"pool": {"min_size": 1, "max_size": 1, "timeout": 20}}}
    known_as("watched_pool", pooled)
    try:
        with mirror_at_work(lambda: update("watched_pool", 1, "mirrors")) as scope:  # which has the only one
            on_a_thread(lambda: update(alias, 1, "callers"))
            assert scope.gave_way == "locks"
        on_a_thread(lambda: update("watched_pool", 1, "next"))
        assert list(rows(alias)) == [("next",)]
    finally:
        connections["watched_pool"].close_pool()
        connections.settings.pop("watched_pool")


def test_a_database_that_cannot_be_asked_keeps_no_mirror_from_its_end(alias, monkeypatch, caplog):
    broken = watching.Questions("SELECT nonsense", "SELECT nonsense")
    monkeypatch.setattr(watching, "ASKED", dict.fromkeys(watching.ASKED, broken))
    with mirror_at_work(lambda: update(alias, 1, "mirrors")) as scope:
        assert until(lambda: "can't be read from" in caplog.text)
    assert (scope.gave_way, scope.transactions) == (None, {})
    assert list(rows(alias)) == [("one",)]


# -- whom a mirror would wait for -----------------------------------------------------------------


@contextmanager
def caller_at_work(alias, work):
    """A caller's transaction that has done `work`, and goes on until the block ends."""
    held, over = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(using=alias):
            work()
            held.set()
            over.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(on_a_thread, hold)
        held.wait(PATIENCE)
        try:
            yield
        finally:
            over.set()
            holding.result()


def test_a_mirror_that_finds_a_row_locked_gives_way_whatever_the_code_makes_of_that(alias):
    def work():
        with suppress(DatabaseError), transaction.atomic(using=alias):
            update(alias, 1, "mirrors")

    with caller_at_work(alias, lambda: update(alias, 1, "callers")), mirror_at_work(work) as scope:
        assert scope.gave_way == "locks"
    assert list(rows(alias)) == [("callers",)]


def test_a_mirror_stops_waiting_before_a_deadlock_is_looked_for_so_no_caller_is_chosen(alias):
    """MariaDB looks at once."""

    def mirror():
        scope = MirrorScope()
        if alias == "watched_postgres":
            run(alias, "SET deadlock_timeout = '60ms'")
        with mirror_scope(scope):
            found = run(alias, WAITS[alias])[0][0]
            scope.end_here()
        return found

    assert on_a_thread(mirror) == {"watched_postgres": "30ms", "watched_mariadb": 0}[alias]


@pytest.fixture
def serializable(alias):
    """The alias of the same database, whose callers' transactions are serializable."""
    level = {"watched_postgres": IsolationLevel.SERIALIZABLE, "watched_mariadb": "serializable"}[alias]
    known_as("serializable", connections.settings[alias] | {"OPTIONS": {"isolation_level": level}})
    yield "serializable"
    connections.settings.pop("serializable")


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("alias", ["postgres"], indirect=True)
def test_a_mirror_is_not_serializable_where_what_it_reads_could_make_callers_fail(serializable, read_only):
    asked = "SELECT current_setting('transaction_isolation')"

    def job():
        scope = MirrorScope(read_only=read_only)
        with mirror_scope(scope):
            found = run(serializable, asked)
            scope.end_here()
        with transaction.atomic(using=serializable):
            return found + run(serializable, asked)

    assert on_a_thread(job) == [("repeatable read",), ("serializable",)]


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("alias", ["mariadb"], indirect=True)
def test_nor_where_it_would_lock_what_it_reads(alias, serializable, read_only):
    with mirror_at_work(lambda: run(serializable, "SELECT name FROM thing"), read_only=read_only) as scope:
        on_a_thread(
            lambda: run(alias, "SET SESSION innodb_lock_wait_timeout = 0", "UPDATE thing SET name = 'x' WHERE id = 1")
        )
        assert scope.transactions
        assert scope.gave_way is None


WAITS = {
    "watched_postgres": "SELECT current_setting('lock_timeout')",
    "watched_mariadb": "SELECT @@SESSION.innodb_lock_wait_timeout",
}


def test_a_statement_that_takes_too_long_is_given_up(alias):
    sleep = "SELECT pg_sleep(60)" if alias == "watched_postgres" else "SELECT SLEEP(60) FROM thing"
    with mirror_at_work(lambda: run(alias, sleep), statement_timeout=0.05) as scope:
        assert scope.gave_way == "slow"


def test_an_error_of_another_kind_is_the_mirrors_own(alias):
    def work():
        with pytest.raises(IntegrityError), transaction.atomic(using=alias):
            add(alias, 1)

    with mirror_at_work(work) as scope:
        assert scope.gave_way is None


# -- in the gateway -------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.anyio
@pytest.mark.parametrize("reason", ["locks", "slow"])
async def test_it_is_dropped_and_is_no_failure_and_no_difference(alias, mirrored, mirrors, reason, scratch, caplog):
    sleep = "SELECT pg_sleep(60)" if alias == "watched_postgres" else "SELECT SLEEP(60) FROM thing"
    act = {"locks": lambda: update(alias, 1, "mirrors"), "slow": lambda: run(alias, sleep)}[reason]
    with caller_at_work(alias, lambda: update(alias, 1, "callers")):
        await mirrored(
            act, method="POST", route={"methods": ["POST"]}, mirror={"statement_timeout": 0.5, "database": scratch}
        )
    seen, app = mirrors(), mirrored.gateways[-1]
    assert (seen.dropped, seen.compared, seen.errors) == ({reason: 1}, 0, 0)
    assert not app.difference_log.drain().groups
    assert app.counters.take().side("s", "service mirrored").requests == 0
    assert "Internal Server Error" not in caplog.text


@pytest.mark.parametrize("alias", ["mariadb"], indirect=True)
def test_mysql_may_fail_a_caller_for_a_mirror_so_it_writes_only_into_a_copy(alias, monkeypatch):
    """MariaDB stands for MySQL here, by what Django says of it."""
    monkeypatch.setattr(type(connections[alias]), "mysql_is_mariadb", False, raising=False)

    def job():
        scope = MirrorScope(writes=True)
        with mirror_scope(scope), suppress(NotShielded):
            run(alias, "SELECT 1 FROM thing")
        scope.end_here()
        return scope.refusal

    assert "where MySQL may end a caller's transaction for a mirror's" in on_a_thread(job)


def test_the_thread_is_started_once(own_watcher):
    """With the priority of whoever is first."""
    before = {thread.ident for thread in threading.enumerate()}
    own_watcher.remain()
    own_watcher.remain()
    assert len([thread for thread in threading.enumerate() if thread.ident not in before]) == 1
