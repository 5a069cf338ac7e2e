"""Databases: what a mirror writes is rolled back at its end, and on_commit functions don't run.

A mirror has a transaction of its own on every connection that it uses, from the first use on. What the project calls a
transaction is a savepoint in it. Django's `TestCase` works the same way.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic

from gateway.compat.django import allow_durable_inside
from gateway.context.mirror_scope import MirrorScope, current
from gateway.context.recording import unrecorded
from gateway.context.sql_recorder import text_of
from gateway.shield.effects import named, note_commits
from gateway.shield.guard import GuardedCall, among_callers, guard
from gateway.shield.lasting import check_statement, learn_engines, shield_cursors
from gateway.shield.limits import LOCKS, limits_for, may_fail_callers, why_given_up
from gateway.shield.watcher import watcher
from gateway.threads import current_thread

__all__ = ["MirrorTransaction", "shield_databases"]

logger = logging.getLogger("gateway.parity")

BEGINS = frozenset({"chunked_cursor", "cursor", "get_autocommit", "on_commit", "savepoint"})
BY_HAND = frozenset({"commit", "rollback", "set_autocommit"})


def shield_databases() -> None:
    """From now on, roll back what mirrors do on any of Django's connections."""
    note_commits()
    logging.getLogger("django.request").addFilter(_is_no_news)  # which adds a filter once
    guard(BaseDatabaseWrapper, (BEGINS | BY_HAND | {"close", "connect"}).__contains__, _instead)
    shield_cursors()


def _is_no_news(_record: logging.LogRecord) -> bool:
    """False for errors of a mirror that gave way: it is counted, and there may be many."""
    scope = current.get()
    return scope is None or scope.gave_way is None


def _instead(call: GuardedCall) -> Any:
    connection: BaseDatabaseWrapper = call.target
    if call.name == "connect":
        return call.proceed()  # its statements are checked when they are executed
    if call.name in BY_HAND:
        raise call.scope.refuse(f"a transaction by hand ({call.name}() of the connection {connection.alias!r})")
    held = call.scope.transactions.get(_key(connection))
    if call.name == "close":
        return None if held is not None else call.proceed()
    if held is None:
        if connection.alias in call.scope.databases and call.name == "get_autocommit":
            return call.proceed()  # of a caller's connection that is being cleaned up
        if connections[connection.alias] is not connection:
            raise call.scope.refuse(f"a connection to {connection.alias!r} that is not the thread's own")
        if current_thread() is None:
            raise call.scope.refuse(f"{connection.alias!r} on a thread that the gateway doesn't know the end of")
        with among_callers():
            if call.scope.writes and not call.scope.owns(connection.alias):
                _check_writes(connection, call.scope)
            call.scope.transactions[_key(connection)] = MirrorTransaction(connection, call.scope)
        if call.name == "get_autocommit":
            # `atomic` checks after it has found no open block. Now there is one: it must create a savepoint there, and
            # not treat the transaction as one that was begun manually, which it would end.
            return True
    return call.method(connection, *call.args, **call.kwargs)


def _check_writes(connection: BaseDatabaseWrapper, scope: MirrorScope) -> None:
    if may_fail_callers(connection):
        why = "where MySQL may end a caller's transaction for a mirror's: name a copy of it in [mirror] database"
        raise scope.refuse(f"writes in the database {connection.alias!r}", why)


def _key(connection: BaseDatabaseWrapper) -> tuple[int, str]:
    return threading.get_ident(), connection.alias


class MirrorTransaction:
    """The transaction of a mirror on one connection, open from now on.

    `session` is the server's ID of its connection, 0 if none is needed. If another session waits for its locks, the
    server is told to end it, whatever it does then.
    """

    def __init__(self, connection: BaseDatabaseWrapper, scope: MirrorScope) -> None:
        self.alias = connection.alias
        self.session = 0
        self._connection = connection
        self._scope = scope
        self._is_cut = False
        self._own = Atomic(connection.alias, savepoint=True, durable=False)
        allow_durable_inside(self._own)
        self._pending = len(connection.run_on_commit)
        connection.ensure_connection()
        if not scope.read_only:
            learn_engines(connection)
        limits = limits_for(connection, scope)
        self._after = limits.after
        try:
            _execute(connection, limits.before)
            with _deferred(connection):
                self._own.__enter__()
            self.session = _execute(connection, limits.within)
        except BaseException:
            self.end()  # otherwise the next caller on this thread would be inside it, and never commit
            raise
        # Not `execute_wrapper()`, which is for a block of code, and whose end removes the last wrapper: so this is
        # inserted first, like the recorder.
        connection.execute_wrappers.insert(0, self._hear)
        if self.session and not scope.read_only and not scope.owns(self.alias):
            watcher.add(self)

    def cut(self) -> None:
        """Note that the server ends it, because another session waits for it."""
        self._is_cut = True
        self._scope.give_way(LOCKS)

    def _hear(self, execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
        """Execute a statement of the mirror, if it can be rolled back. If the database aborts it, the response proves
        nothing."""
        for statement in check_statement(text_of(sql, context), self._connection, self._scope):
            if statement not in self._after:
                self._after = (*self._after, statement)
        try:
            return execute(sql, params, many, context)
        except Exception as exc:
            if (reason := why_given_up(exc, self._connection.vendor)) is not None:
                self._scope.give_way(reason)
            raise

    def end(self) -> list[str]:
        """Roll it back. Returns the names of what would have run after the commit."""
        connection = self._connection
        if not self._is_cut:
            self._scope.conclude(connection, self._pending)
        with among_callers(), unrecorded():
            watcher.remove(self)
            if self._hear in connection.execute_wrappers:
                connection.execute_wrappers.remove(self._hear)
            waiting = [named(entry[1]) for entry in connection.run_on_commit[self._pending :]]
            if self._is_cut:
                self._give_up()
                return waiting
            try:
                self._leave()
                _execute(connection, self._after)
                # As `request_finished` would have, if the transaction weren't open: a pooled connection must be
                # returned.
                connection.close_if_unusable_or_obsolete()
            except Exception:
                logger.exception(
                    "a mirror's transaction on %r could not be ended; its connection is closed", connection.alias
                )
                self._give_up()
        return waiting

    def _give_up(self) -> None:
        """Discard the connection."""
        with suppress(Exception):
            self._connection.close()
        with suppress(AttributeError):
            del connections[self.alias]  # the state that `atomic` left in it can't be reset

    def _leave(self) -> None:
        connection = self._connection
        if connection.atomic_blocks[-1:] != [self._own]:
            raise RuntimeError("it has left a transaction open")
        connection.set_rollback(True)
        # `close_old_connections` makes a health check next (CONN_HEALTH_CHECKS). Between rollback and autocommit, its
        # SELECT would begin a transaction, in which autocommit can't be set.
        connection.health_check_done = True  # type: ignore[attr-defined] # django-stubs leaves it out
        self._own.__exit__(None, None, None)
        del connection.run_on_commit[self._pending :]


@contextmanager
def _deferred(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """A block in which SQLite begins a transaction without its write lock, whatever OPTIONS say."""
    mode = getattr(connection, "transaction_mode", None)
    if mode is None:
        yield
        return
    connection.transaction_mode = None  # type: ignore[attr-defined] # SQLite's has it
    try:
        yield
    finally:
        connection.transaction_mode = mode  # type: ignore[attr-defined]


def _execute(connection: BaseDatabaseWrapper, statements: tuple[str, ...]) -> int:
    """Execute them. Returns the number that the last one selects, 0 without a row."""
    if not statements:
        return 0
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.cursor.execute(statement)  # the driver's cursor: the project's wrappers are not called
        row = cursor.cursor.fetchone() if cursor.cursor.description else None
    return int(row[0]) if row else 0
