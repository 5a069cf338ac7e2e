"""A side's transaction ends as if it were committed, on every engine, and nothing of it stays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connections, transaction

from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.context.recording import Recorder, recorder
from gateway.context.sql_recorder import record_sql
from gateway.shield.databases import shield_databases
from gateway.shield.limits import NO_LIMITS, TransactionLimits, limits_for
from gateway.workbench.replay.alone import ReplayScope
from tests.shield.test_databases import on_a_thread
from tests.support.databases import KINDS, empty_database

PARENT = "CREATE TABLE parent (id INTEGER PRIMARY KEY)"
CHILD = "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id){deferred})"


@pytest.fixture(scope="module", params=KINDS)
def alias(request, tmp_path_factory, django_db_blocker):
    """A database with two tables, known to Django under this alias for as long as the tests of this module run."""
    record_sql()
    shield_databases()
    folder = tmp_path_factory.mktemp("alone")
    with django_db_blocker.unblock(), empty_database(request.param, folder) as database:
        name = f"alone_{request.param}"
        connections.settings[name] = connections.configure_settings({"default": {}, name: database.settings})[name]
        deferred = "" if request.param == "mariadb" else " DEFERRABLE INITIALLY DEFERRED"
        try:
            on_a_thread(lambda: [run(name, PARENT), run(name, CHILD.format(deferred=deferred))])
            yield name
        finally:
            connections.settings.pop(name)


def run(alias: str, statement: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)


def rows(alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM parent")
        return int(cursor.fetchone()[0])


def done(work: Callable[[], Any]) -> Recorder:
    """What was noted of `work`, which one side of a replay does."""

    def alone() -> Recorder:
        notes = Recorder()
        scope = ReplayScope(notes, writes=True, rolls_back=False, hosts=frozenset())
        token = recorder.set(notes)
        try:
            with mirror_scope(scope):
                work()
                scope.end_here()
        finally:
            recorder.reset(token)
        assert scope.refusal is None
        return notes

    return on_a_thread(alone)


@pytest.mark.parametrize("durable", [False, True])
def test_what_is_to_run_after_a_commit_runs_and_is_rolled_back_with_the_rest(alias, durable):
    seen: list[int] = []

    def later() -> None:
        run(alias, "INSERT INTO parent VALUES (2)")
        seen.append(rows(alias))

    def work() -> None:
        with transaction.atomic(using=alias, durable=durable):
            run(alias, "INSERT INTO parent VALUES (1)")
            transaction.on_commit(later, using=alias)
            assert seen == []

    notes = done(work)
    assert seen == [2]
    assert len(notes.rows().written) == 2
    assert on_a_thread(lambda: rows(alias)) == 0


def test_what_runs_after_a_commit_may_want_more_after_it(alias):
    seen: list[str] = []

    def first() -> None:
        seen.append("first")
        transaction.on_commit(lambda: seen.append("second"), using=alias)

    done(lambda: transaction.on_commit(first, using=alias))
    assert seen == ["first", "second"]


def test_what_was_to_run_after_what_was_rolled_back_does_not(alias):
    seen: list[str] = []

    def work() -> None:
        with suppress(ZeroDivisionError), transaction.atomic(using=alias):
            transaction.on_commit(lambda: seen.append("never"), using=alias)
            raise ZeroDivisionError

    done(work)
    assert seen == []


def test_what_is_marked_to_be_rolled_back_is_not_concluded(alias):
    """As Django does with ATOMIC_REQUESTS, where a view of REST framework raises."""
    seen: list[str] = []

    def work() -> None:
        run(alias, "INSERT INTO child VALUES (1, 99)" if connections[alias].vendor != "mysql" else "SELECT 1")
        transaction.on_commit(lambda: seen.append("never"), using=alias)
        connections[alias].needs_rollback = True

    assert (list(done(work).effects), seen) == ([], [])


@pytest.mark.parametrize("robust", [False, True])
def test_what_fails_after_a_commit_is_noted(alias, robust):
    seen: list[str] = []

    def fail() -> None:
        raise KeyError("secret")

    def work() -> None:
        transaction.on_commit(fail, using=alias, robust=robust)
        transaction.on_commit(lambda: seen.append("after it"), using=alias)

    assert "after the commit, a local function fails: KeyError" in done(work).effects
    assert seen == ["after it"] * robust


def test_a_deferred_constraint_fails_as_at_a_commit(alias):
    if connections[alias].vendor == "mysql":  # which checks at once
        return
    seen: list[str] = []

    def work() -> None:
        with transaction.atomic(using=alias):
            run(alias, "INSERT INTO child VALUES (1, 99)")
            transaction.on_commit(lambda: seen.append("never"), using=alias)

    assert done(work).effects[0] == "the commit fails: IntegrityError"
    assert seen == []


def test_on_sqlite_a_side_needs_no_limits_as_nobody_waits_for_it(alias):
    def limits(alone: MirrorScope) -> TransactionLimits:
        connections[alias].ensure_connection()
        return limits_for(connections[alias], alone)

    side = ReplayScope(Recorder(), writes=True, rolls_back=False, hosts=frozenset())
    is_sqlite = connections[alias].vendor == "sqlite"
    assert (on_a_thread(lambda: limits(side)) == NO_LIMITS) is is_sqlite
    assert on_a_thread(lambda: limits(MirrorScope(writes=True))) != NO_LIMITS
