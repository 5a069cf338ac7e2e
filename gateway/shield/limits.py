"""Limits of a mirror's transaction: how long it waits for locks, and how long its statements may take.

A mirror gives way to callers, so a deadlock must never abort a caller's transaction instead. PostgreSQL checks for
deadlocks after `deadlock_timeout`: a mirror waits at most half as long. MariaDB checks at once and aborts either one; a
mirror doesn't wait there at all. In MySQL that can't be set. Nor must a mirror's reads make a caller's transaction
fail, as between SERIALIZABLE transactions: so no transaction of a mirror is serializable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseError

from gateway.context.mirror_scope import MirrorScope

__all__ = ["LOCKS", "NO_LIMITS", "SLOW", "TransactionLimits", "limits_for", "may_fail_callers", "why_given_up"]

LOCKS = "locks"  # reason for dropping a mirror: it waited for a lock, or another session for its locks
SLOW = "slow"  # reason for dropping a mirror: a statement took too long

LOWER = "ISOLATION LEVEL REPEATABLE READ"
# SQLSTATE: lock timeout, deadlock, rows changed by others, statement timeout.
POSTGRESQL = {"55P03": LOCKS, "40P01": LOCKS, "40001": LOCKS, "57014": SLOW}
# Error numbers: lock timeout, deadlock, NOWAIT; and statement timeout, in MariaDB and MySQL.
MYSQL = {1205: LOCKS, 1213: LOCKS, 3572: LOCKS, 1969: SLOW, 3024: SLOW}
# Primary result codes (sqlite.org/rescode.html): BUSY, LOCKED.
SQLITE = {5: LOCKS, 6: LOCKS}


class TransactionLimits(NamedTuple):
    """The statements that limit a mirror's transaction: before it begins, within it, and after its end.

    The last one within it selects the server's ID of its connection.
    """

    before: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


NO_LIMITS = TransactionLimits()


def limits_for(connection: BaseDatabaseWrapper, scope: MirrorScope) -> TransactionLimits:
    """The limits for a mirror on this open connection."""
    make = _MAKERS.get(connection.vendor)
    return NO_LIMITS if make is None or (scope.alone and connection.vendor == "sqlite") else make(connection, scope)


def _of_postgresql(connection: BaseDatabaseWrapper, scope: MirrorScope) -> TransactionLimits:
    deadlock = "extract(epoch from current_setting('deadlock_timeout')::interval) * 500"
    wait = f"greatest(1, least({_milliseconds(scope.lock_timeout)}, {deadlock}))::int::text"
    settings = [
        f"set_config('lock_timeout', {wait}, true)",
        f"set_config('statement_timeout', '{_milliseconds(scope.statement_timeout)}', true)",
    ]
    if scope.read_only:
        settings.append("set_config('transaction_read_only', 'on', true)")
    limits = f"SELECT pg_backend_pid(), {', '.join(settings)}"
    if _is_serializable(connection):
        return TransactionLimits(within=(f"SET TRANSACTION {LOWER}", limits))
    return TransactionLimits(within=(limits,))


def _of_mysql(connection: BaseDatabaseWrapper, scope: MirrorScope) -> TransactionLimits:
    """MySQL's lock timeouts are whole seconds."""
    name, value, wait = "max_execution_time", str(_milliseconds(scope.statement_timeout)), 1
    if getattr(connection, "mysql_is_mariadb", False):
        name, value, wait = "max_statement_time", f"{scope.statement_timeout:.3f}", 0
    kept = {"time": name, "row": "innodb_lock_wait_timeout", "table": "lock_wait_timeout"}
    before = [
        "SET " + ", ".join(f"@gateway_{key} = @@SESSION.{variable}" for key, variable in kept.items()),
        f"SET SESSION {name} = {value}, SESSION innodb_lock_wait_timeout = {wait}, SESSION lock_wait_timeout = 1",
    ]
    kind = [LOWER] * _is_serializable(connection) + ["READ ONLY"] * scope.read_only
    if kind and not connection.in_atomic_block:  # it can't be set in an open transaction
        before.append(f"SET TRANSACTION {', '.join(kind)}")
    within = () if scope.read_only else ("SELECT CONNECTION_ID()",)  # no session waits for one that only reads
    after = "SET " + ", ".join(f"SESSION {variable} = @gateway_{key}" for key, variable in kept.items())
    return TransactionLimits(tuple(before), within, (after,))


def _of_sqlite(connection: BaseDatabaseWrapper, scope: MirrorScope) -> TransactionLimits:
    busy = int(connection.settings_dict["OPTIONS"].get("timeout", 5.0) * 1000)
    before = (
        f"PRAGMA busy_timeout = {_milliseconds(scope.lock_timeout)}",
        f"PRAGMA query_only = {int(scope.read_only)}",
    )
    return TransactionLimits(before=before, after=(f"PRAGMA busy_timeout = {busy}", "PRAGMA query_only = 0"))


def _is_serializable(connection: BaseDatabaseWrapper) -> bool:
    """Whether OPTIONS make the project's transactions serializable: psycopg's constant, or a word for MySQL."""
    level = getattr(connection, "isolation_level", None)
    return level is not None and str(getattr(level, "name", level)).upper() == "SERIALIZABLE"


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


_MAKERS: Mapping[str, Callable[[BaseDatabaseWrapper, MirrorScope], TransactionLimits]] = {
    "postgresql": _of_postgresql,
    "mysql": _of_mysql,
    "sqlite": _of_sqlite,
}


def may_fail_callers(connection: BaseDatabaseWrapper) -> bool:
    """Whether a mirror that writes there may make a caller's transaction fail, whatever its limits.

    MySQL aborts the smaller of two transactions in a deadlock, and lock timeouts are at least one second.
    """
    return connection.vendor == "mysql" and not getattr(connection, "mysql_is_mariadb", False)


def why_given_up(error: BaseException, vendor: str) -> str | None:
    """LOCKS or SLOW, if the database aborted a statement for that reason; None for any other `error`."""
    cause: Any = error.__cause__ if isinstance(error, DatabaseError) else error
    if vendor == "postgresql":
        return POSTGRESQL.get(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "")
    if vendor == "mysql":
        return MYSQL.get(next(iter(getattr(cause, "args", ())), 0))
    code = getattr(cause, "sqlite_errorcode", None) if vendor == "sqlite" else None
    return None if code is None else SQLITE.get(code & 0xFF)
