"""What one request does in the database, recorded while it is compared with another."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

__all__ = ["Recorder", "record_sql", "recorder"]

MOST = 200  # statements that are kept of one request; all are counted

recorder: contextvars.ContextVar[Recorder | None] = contextvars.ContextVar("gateway.sql", default=None)


class Recorder:
    """The statements of one request, on whichever threads it runs: the first MOST, and how many there were."""

    __slots__ = ("count", "statements")

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.count = 0

    def add(self, statement: str) -> None:
        """Note one that is about to be executed."""
        self.count += 1
        if len(self.statements) < MOST:
            self.statements.append(statement)


def _note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001 - Django calls it so
    current = recorder.get()
    if current is not None:
        current.add(sql)
    return execute(sql, params, many, context)


def _wrap(connection: BaseDatabaseWrapper, **_: object) -> None:
    # `execute_wrapper()` is for a block of code; a list of what it keeps, for as long as the connection lives.
    if _note not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note)


def record_sql() -> None:
    """From now on, what a connection executes is noted where a `recorder` is set: for connections yet to be opened."""
    connection_created.connect(_wrap, dispatch_uid="gateway.sql")
