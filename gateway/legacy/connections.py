"""Cleans up the database connections that requests leave on threads: Django keeps its connections per thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from django.db import close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.threads import Hooks, Threads

__all__ = [
    "django_threads",
    "in_manual_transaction",
    "may_need_tidying",
    "open_transactions",
    "own_connections",
    "rest_connections",
    "return_pooled",
    "tidy_connections",
]

logger = logging.getLogger("gateway.django")


def django_threads(size: int, name: str) -> Threads:
    """A pool for code that uses Django's ORM."""
    hooks = Hooks(
        at_exit=connections.close_all,
        pinned=open_transactions,
        on_idle=return_pooled if _any_pool() else None,
        used=may_need_tidying,
        tidy=tidy_connections,
    )
    return Threads(size, name=name, hooks=hooks)


def _any_pool() -> bool:
    return any(database.get("OPTIONS", {}).get("pool") for database in connections.settings.values())


def own_connections() -> list[BaseDatabaseWrapper]:
    """The connections that this thread has opened, without those that a test shares between threads."""
    opened = connections.all(initialized_only=True)
    return [connection for connection in opened if not connection.allow_thread_sharing]


def in_manual_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Whether `connection` is in a transaction without `atomic`, as with AUTOCOMMIT off."""
    return connection.connection is not None and not connection.autocommit and not connection.in_atomic_block


def open_transactions(own: Iterable[BaseDatabaseWrapper] | None = None) -> int:
    """How many transactions and savepoints are open on these connections; default: those of this thread."""
    found = own_connections() if own is None else own
    return sum(
        connection.in_atomic_block + len(connection.savepoint_ids) + in_manual_transaction(connection)
        for connection in found
    )


def return_pooled(own: Iterable[BaseDatabaseWrapper] | None = None) -> None:
    """Return this thread's connections to their pools (OPTIONS["pool"], for psycopg).

    A request to a service uses two threads in turn. If each kept a connection while waiting for the other, a pool
    smaller than the number of threads, which is the default, would soon be exhausted.
    """
    for connection in own_connections() if own is None else own:
        if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
            connection.close()


def may_need_tidying() -> bool:
    """Whether `tidy_connections` may have something to do: a connection is in a transaction, old, had an error, or is
    to be checked before each use (CONN_HEALTH_CHECKS)."""
    now = time.monotonic()  # noqa: TID251 - what Django compares `close_at` with
    return any(
        connection.connection is not None
        and (
            connection.in_atomic_block
            or connection.errors_occurred
            or connection.settings_dict["CONN_HEALTH_CHECKS"]
            or connection.autocommit != connection.settings_dict["AUTOCOMMIT"]
            or (connection.close_at is not None and now >= connection.close_at)
        )
        for connection in own_connections()
    )


def tidy_connections() -> None:
    """Clean up this thread's connections as Django's own handlers do after a request.

    An open transaction belongs to a request that ended without closing it, and is rolled back.
    """
    for connection in own_connections():
        if connection.in_atomic_block:
            logger.error("a request left a transaction open on %r; it is rolled back", connection.alias)
            connection.close()
            del connections[connection.alias]  # the state that atomic() left in it can't be reset
    rest_connections()


def rest_connections() -> None:
    """Close this thread's connections that are old, broken or from a pool, and not in a transaction."""
    try:
        close_old_connections()
    except Exception:
        logger.exception("cleaning up connections failed")
