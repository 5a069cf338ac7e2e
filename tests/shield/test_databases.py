"""What a mirror does in a database is rolled back, on every engine, whatever the project calls a transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.utils import DatabaseError, IntegrityError

from gateway.context.mirror_scope import MirrorScope, NotShielded, mirror_scope
from gateway.legacy.connections import django_threads
from gateway.shield import databases
from gateway.shield.databases import shield_databases
from gateway.shield.limits import TransactionLimits
from tests.support.databases import KINDS, empty_database

PATIENCE = 20.0  # seconds; only a failing test waits that long
TABLE = "CREATE TABLE thing (id INTEGER PRIMARY KEY, name VARCHAR(20) UNIQUE)"


@pytest.fixture(scope="module", params=KINDS)
def alias(request, tmp_path_factory, django_db_blocker):
    """A database with a table, known to Django under this alias for as long as the tests of this module run."""
    shield_databases()
    folder = tmp_path_factory.mktemp("shield")
    with django_db_blocker.unblock(), empty_database(request.param, folder) as database:
        name = f"shielded_{request.param}"
        connections.settings[name] = connections.configure_settings({"default": {}, name: database.settings})[name]
        try:
            on_a_thread(lambda: run(name, TABLE))
            yield name
        finally:
            connections.settings.pop(name)


def on_a_thread(work: Callable[[], Any]) -> Any:
    """What `work` returns or raises on a thread of its own, one of those that answer requests."""
    found: Future[Any] = Future()

    def job() -> None:
        try:
            result = work()
        except BaseException as exc:  # noqa: BLE001 - the future carries it
            connections.close_all()
            found.set_exception(exc)
        else:
            connections.close_all()
            found.set_result(result)

    threads = django_threads(1, "mirrored")
    threads.submit(job)
    try:
        return found.result()
    finally:
        threads.close()


def run(alias: str, *statements: str) -> Any:
    with connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def rows(alias: str) -> Any:
    return on_a_thread(lambda: run(alias, "SELECT name FROM thing ORDER BY id"))


def add(alias: str, number: int, name: str = "") -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO thing (id, name) VALUES (%s, %s)", [number, name or str(number)])


def mirrored(alias: str, work: Callable[[], Any], *, read_only: bool = False, then: Callable[[], Any] = list) -> Any:
    """Let a mirror do `work` and end, on a thread that does `then` for a caller. Returns its scope and both results."""

    def job() -> Any:
        scope = MirrorScope(read_only=read_only)
        with mirror_scope(scope):
            try:
                result = work()
            finally:
                scope.end_here()
        return scope, result, then()

    return on_a_thread(job)


@pytest.fixture(autouse=True)
def empty(alias):
    on_a_thread(lambda: run(alias, "DELETE FROM thing"))


def test_a_mirror_whose_first_use_is_a_transaction_is_still_in_its_own_after_it(alias, caplog):
    seen = []

    def work() -> None:
        with transaction.atomic(using=alias):
            add(alias, 1)
        seen.append(connections[alias].in_atomic_block)
        transaction.on_commit(lambda: None, using=alias)

    mirrored(alias, work)
    assert seen == [True]
    assert not [record for record in caplog.records if record.name == "gateway.parity"]


# -- nothing stays --------------------------------------------------------------------------------


def in_atomic(alias):
    with transaction.atomic(using=alias):
        add(alias, 1)


def in_durable(alias):
    with transaction.atomic(using=alias, durable=True):
        add(alias, 1)


def in_nested(alias):
    add(alias, 1)
    with transaction.atomic(using=alias), transaction.atomic(using=alias):
        add(alias, 2)


def after_a_savepoint_was_rolled_back(alias):
    with transaction.atomic(using=alias):
        add(alias, 1)
        with pytest.raises(IntegrityError), transaction.atomic(using=alias):
            add(alias, 1)
        add(alias, 2)


def and_leaves(alias):
    transaction.atomic(using=alias).__enter__()
    add(alias, 1)


WRITES = [lambda alias: add(alias, 1), in_atomic, in_durable, in_nested, after_a_savepoint_was_rolled_back, and_leaves]


@pytest.mark.parametrize("write", WRITES)
def test_what_a_mirror_writes_is_not_there_afterwards(alias, write):
    mirrored(alias, lambda: write(alias))
    assert len(rows(alias)) == 0


@pytest.mark.parametrize("write", WRITES)
def test_what_callers_write_on_the_same_thread_afterwards_is(alias, write):
    mirrored(alias, lambda: write(alias), then=lambda: in_atomic(alias))
    assert list(rows(alias)) == [("1",)]


def test_a_mirror_sees_what_it_has_written(alias):
    def work():
        add(alias, 1)
        return run(alias, "SELECT COUNT(*) FROM thing")[0][0]

    assert mirrored(alias, work)[1] == 1


@pytest.mark.parametrize("when", ["before", "within"])
def test_a_mirror_that_cannot_begin_leaves_no_transaction_for_the_next_caller(alias, monkeypatch, when):
    monkeypatch.setattr(databases, "limits_for", lambda *_: TransactionLimits(**{when: ("SELECT * FROM nowhere",)}))

    def work():
        with suppress(Exception):
            add(alias, 1)

    def call():
        add(alias, 2)
        return connections[alias].in_atomic_block

    _, _, is_in_a_transaction = mirrored(alias, work, then=call)
    assert not is_in_a_transaction
    assert [*rows(alias)] == [("2",)]


def test_a_mirror_that_raises_leaves_nothing(alias):
    def work():
        add(alias, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        mirrored(alias, work)
    assert len(rows(alias)) == 0


# -- after the commit -----------------------------------------------------------------------------


def test_what_is_to_run_after_the_commit_is_named_and_not_run(alias):
    done = []

    def notify():
        done.append(1)

    def work():
        transaction.on_commit(notify, using=alias)
        with transaction.atomic(using=alias):
            transaction.on_commit(notify, using=alias)

    scope, _, _ = mirrored(alias, work, then=lambda: in_atomic(alias))
    assert list(scope.effects) == ["after the commit, a local function"] * 2
    assert done == []


def test_what_a_savepoint_took_back_is_not_named(alias):
    def work():
        with suppress(ZeroDivisionError), transaction.atomic(using=alias):
            transaction.on_commit(lambda: None, using=alias)
            raise ZeroDivisionError

    assert mirrored(alias, work)[0].effects == []


# -- limits ---------------------------------------------------------------------------------------


def test_a_read_only_mirror_cannot_write_and_the_next_caller_can(alias):
    with pytest.raises(DatabaseError):
        mirrored(alias, lambda: add(alias, 1), read_only=True)
    scope, found, _ = mirrored(
        alias, lambda: len(run(alias, "SELECT 1 FROM thing")), read_only=True, then=lambda: add(alias, 1)
    )
    assert (scope.refusal, found, len(rows(alias))) == (None, 0, 1)


def test_a_mirror_does_not_wait_for_a_lock_for_long_and_is_given_up(alias):
    def work():
        with suppress(DatabaseError), transaction.atomic(using=alias):
            run(alias, "UPDATE thing SET name = 'mirror' WHERE id = 1")

    on_a_thread(lambda: add(alias, 1, "caller"))
    held, free = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(using=alias):
            run(alias, "UPDATE thing SET name = 'held' WHERE id = 1")
            held.set()
            free.wait(PATIENCE)

    holder = threading.Thread(target=on_a_thread, args=(hold,))
    holder.start()
    held.wait(PATIENCE)
    since = time.monotonic()
    try:
        assert mirrored(alias, work)[0].gave_way == "locks"
        assert time.monotonic() - since < 10  # the engine's own limits are 5 s, 50 s and none
    finally:
        free.set()
        holder.join()
    assert list(rows(alias)) == [("held",)]


def test_a_callers_limits_are_as_before(alias):
    asked = {
        "shielded_postgres": "SELECT current_setting('lock_timeout'), current_setting('transaction_read_only')",
        "shielded_mariadb": "SELECT @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@max_statement_time, "
        "@@tx_read_only",
        "shielded_sqlite": "PRAGMA busy_timeout",
    }[alias]
    before = on_a_thread(lambda: run(alias, asked))
    assert mirrored(alias, lambda: add(alias, 1), then=lambda: run(alias, asked))[2] == before


# -- what can't be had ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "by_hand",
    [
        lambda alias: transaction.set_autocommit(False, using=alias),
        lambda alias: transaction.commit(using=alias),
        lambda alias: transaction.rollback(using=alias),
    ],
)
def test_a_transaction_by_hand_is_refused(alias, by_hand):
    def work():
        with pytest.raises(NotShielded):
            by_hand(alias)

    assert "a transaction by hand" in mirrored(alias, work)[0].refusal


def test_closing_the_connection_does_not_end_what_a_mirror_has_begun(alias):
    def work():
        add(alias, 1)
        connections[alias].close()
        return len(run(alias, "SELECT 1 FROM thing"))

    assert mirrored(alias, work)[1] == 1
    assert len(rows(alias)) == 0


def test_a_connection_that_is_checked_at_each_request_is_kept(alias, monkeypatch):
    """CONN_HEALTH_CHECKS. A request ends by closing what is obsolete, which a mirror's connection is not."""
    monkeypatch.setitem(connections.settings[alias], "CONN_HEALTH_CHECKS", True)
    monkeypatch.setitem(connections.settings[alias], "CONN_MAX_AGE", None)

    def work():
        add(alias, 1)
        connections[alias].close_if_unusable_or_obsolete()
        return id(connections[alias].connection)

    def then():
        return id(connections[alias].connection), connections[alias].get_autocommit()

    _, before, after = mirrored(alias, work, then=then)
    assert after == (before, True)
    assert len(rows(alias)) == 0


def test_a_thread_that_nobody_knows_the_end_of_is_refused(alias):
    scope, said = MirrorScope(), []

    def job():
        try:
            with mirror_scope(scope):
                add(alias, 1)
        except NotShielded as exc:
            said.append(exc)
        finally:
            connections.close_all()

    thread = threading.Thread(target=job)
    thread.start()
    thread.join()
    assert said
    assert "on a thread that the gateway doesn't know the end of" in scope.refusal
    assert len(rows(alias)) == 0


def test_a_connection_that_does_not_persist_is_given_back_when_the_mirror_ends(alias):
    """With a pool of one, nobody else would have had one until this thread served another request."""
    held = mirrored(alias, lambda: add(alias, 1), then=lambda: connections[alias].connection)[2]
    assert held is None


def test_one_that_persists_is_kept(alias, monkeypatch):
    def work():
        monkeypatch.setitem(connections[alias].settings_dict, "CONN_MAX_AGE", None)
        connections[alias].close_at = None
        add(alias, 1)

    assert mirrored(alias, work, then=lambda: connections[alias].connection is not None)[2]
