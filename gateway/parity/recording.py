"""What one request does in the database, recorded while its answer is compared with another."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.parity.answer import Sql

__all__ = ["Recorder", "recorded", "recorder"]

MOST = 200  # statements that are kept of one request; all are counted


class Recorder:
    """The statements of one request, on whichever threads it runs: the first MOST, and how many there were."""

    __slots__ = ("_count", "_statements")

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._count = 0

    def add(self, statement: str) -> None:
        """Note one that is about to be executed."""
        self._count += 1
        if len(self._statements) < MOST:
            self._statements.append(statement)

    def sql(self) -> Sql:
        """What was noted so far."""
        return Sql(tuple(self._statements), self._count)


recorder: contextvars.ContextVar[Recorder | None] = contextvars.ContextVar("gateway.sql", default=None)


@contextmanager
def recorded(by: Recorder | None) -> Iterator[None]:
    """What this block does, and the threads and tasks that it starts, is noted `by` a recorder, if there is one."""
    if by is None:
        yield
        return
    token = recorder.set(by)
    try:
        yield
    finally:
        recorder.reset(token)
