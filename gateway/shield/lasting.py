"""Refuses what a mirror's transaction doesn't roll back: statements (see `statements`), and calls that aren't
statements."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import SQLiteCursorWrapper
from django.db.backends.utils import CursorWrapper

from gateway.context.mirror_scope import MirrorScope, current
from gateway.parity.tables import written_by
from gateway.shield.guard import GuardedCall, guard
from gateway.shield.statements import COMMITS, UNLOCK, lasting, locks_session

__all__ = ["check_statement", "learn_engines", "shield_cursors"]

NO_ROLLBACK = """
SELECT LOWER(table_name) FROM information_schema.tables JOIN information_schema.engines USING (engine)
WHERE table_schema = DATABASE() AND transactions <> 'YES'
"""

_kept: dict[tuple[str, str], frozenset[str]] = {}  # tables without transactions, by alias and name


def shield_cursors() -> None:
    """From now on, refuse what cursors do for mirrors besides executing statements."""
    guard(CursorWrapper, {"callproc"}.__contains__, _instead_of_procedure)
    if not hasattr(SQLiteCursorWrapper, "asks_mirrors"):
        _check_scripts()


def check_statement(statement: str, connection: BaseDatabaseWrapper, scope: MirrorScope) -> tuple[str, ...]:
    """Refuse statements that a rollback doesn't undo. Returns the statements that undo the rest after the rollback."""
    vendor, own = connection.vendor, scope.owns(connection.alias)
    if (found := lasting(statement, vendor, own=own)) is not None:
        raise scope.refuse(*found)
    if vendor == "mysql" and (written := written_by(statement)):
        kept = _kept.get(_place(connection), frozenset())
        if here := sorted(name for name in written if name.rpartition(".")[2] in kept):
            raise scope.refuse(f"writes to {', '.join(here)}", "whose engine has no transactions")
    return (UNLOCK,) if locks_session(statement, vendor) else ()


def learn_engines(connection: BaseDatabaseWrapper) -> None:
    """Find the tables of a MySQL or MariaDB database whose engines have no transactions (MyISAM, Aria, …): once per
    process, and before a mirror's limits apply, as there may be many."""
    if connection.vendor == "mysql" and _place(connection) not in _kept:
        with connection.cursor() as cursor:
            cursor.cursor.execute(NO_ROLLBACK)  # the driver's cursor: the project's wrappers are not called
            _kept[_place(connection)] = frozenset(row[0] for row in cursor.fetchall())


def _place(connection: BaseDatabaseWrapper) -> tuple[str, str]:
    return connection.alias, str(connection.settings_dict["NAME"])


def _instead_of_procedure(call: GuardedCall) -> Any:
    if call.target.db.vendor != "postgresql":  # where procedures can't commit inside a transaction
        raise call.scope.refuse(f"the procedure {call.args[0]}", COMMITS)
    return call.method(call.target, *call.args, **call.kwargs)


def _check_scripts() -> None:
    """SQLite's scripts are executed after a commit, and bypass Django's wrappers."""
    cursor: Any = SQLiteCursorWrapper

    def executescript(self: Any, script: str) -> Any:
        scope = current.get()
        if scope is not None:
            raise scope.refuse("executescript()", COMMITS)
        return super(cursor, self).executescript(script)

    cursor.executescript, cursor.asks_mirrors = executescript, True
