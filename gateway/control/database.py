"""The database of this app's tables, and retries while it is busy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError, connections, models, router

from gateway.control.models import Revision
from gateway.legacy.connections import return_pooled
from gateway.randomness import RANDOMNESS
from gateway.wording import counted

__all__ = ["DatabaseBusy", "alias", "let_go", "missing", "prepare", "tidy", "until_done", "upsert"]

T = TypeVar("T")
BATCH = 100  # rows in a statement
ATTEMPTS = 8
FIRST_PAUSE = 0.04  # seconds, doubled each time: all pauses together take 2.5 to 5 seconds


class DatabaseBusy(Exception):
    """The database did not accept a change after all retries."""


def alias() -> str:
    """The alias of the database with this app's tables. Reads go there too: a replica would show a rollback late."""
    return router.db_for_write(Revision)


def until_done(work: Callable[[], T]) -> T:
    """Call `work`, again if the database was locked or another transaction came first. Raises DatabaseBusy after the
    last attempt.

    `work` must be a transaction of its own, so that a failed attempt has no effect. Inside a transaction of the caller
    it runs once, since it would fail there again.
    """
    attempts = 1 if connections[alias()].in_atomic_block else ATTEMPTS
    for attempt in range(attempts):
        try:
            return work()
        except (OperationalError, IntegrityError) as exc:
            last: DatabaseError = exc
            connections[alias()].close_if_unusable_or_obsolete()
        if attempt + 1 < attempts:
            time.sleep(FIRST_PAUSE * 2**attempt * (1 + RANDOMNESS.random()) / 2)  # so that two don't collide
    tried = counted(attempts, "attempt")
    raise DatabaseBusy(f"the database did not take the change, after {tried}: {last}") from last


def missing(error: BaseException) -> bool:
    """Whether the error means that this app's tables don't exist, so that retries won't help."""
    return isinstance(error, ProgrammingError) or (
        isinstance(error, OperationalError) and "no such table" in str(error)
    )


def upsert(
    model: type[models.Model], rows: Sequence[models.Model], unique: Sequence[str], values: Sequence[str]
) -> None:
    """Insert `rows`, or update those with the same `unique` fields."""
    able = connections[alias()].features.supports_update_conflicts_with_target  # without, MySQL checks every key itself
    model._base_manager.using(alias()).bulk_create(  # noqa: SLF001 - documented: "Base managers"
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=unique if able else None,
        update_fields=values,
    )


# -- connections of threads that run as long as the process --------------------------------------


def prepare() -> None:
    """Open this thread's connection, so that every statement sees what others have committed."""
    connection = connections[alias()]
    connection.ensure_connection()
    if not connection.in_atomic_block and not connection.get_autocommit():  # DATABASES[…]["AUTOCOMMIT"] is off
        connection.set_autocommit(True)


def tidy() -> None:
    """After each piece of work: keep the connection, unless it is from a pool, which others wait for."""
    return_pooled()
    connections[alias()].queries_log.clear()  # with DEBUG on, Django keeps the last 9000 statements


def let_go() -> None:
    """Close this thread's connections: they are broken, or the thread ends. Errors in closing are ignored."""
    for connection in connections.all(initialized_only=True):
        try:
            connection.close()
        except Exception:  # noqa: BLE001 - a driver may raise anything for a connection that is broken
            del connections[connection.alias]
