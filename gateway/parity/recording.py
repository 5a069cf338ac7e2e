"""What one request does in the database, and whether a throttle refused it: recorded while its answer is compared
with another."""

from __future__ import annotations

import contextvars

from gateway.parity.answer import Sql

__all__ = ["Recorder", "recorder"]

MOST = 200  # statements that are kept of one request; all are counted
LONGEST = 2**18  # characters of them


class Recorder:
    """The statements of one request, on whichever threads it runs: the first MOST, up to LONGEST, and how many there
    were.

    `throttled`: it was refused for being one too many, whatever status its answer has.
    """

    __slots__ = ("_count", "_length", "_statements", "throttled")

    def __init__(self) -> None:
        self.throttled = False
        self._statements: list[str] = []
        self._count = self._length = 0

    def add(self, statement: str) -> None:
        """Note one that is about to be executed."""
        self._count += 1
        self._length += len(statement)
        if len(self._statements) < MOST and self._length <= LONGEST:
            self._statements.append(statement)

    def sql(self) -> Sql:
        """What was noted so far."""
        return Sql(tuple(self._statements), self._count)


# What this context does, and the threads and tasks that it starts, is noted by this one, if there is one.
recorder: contextvars.ContextVar[Recorder | None] = contextvars.ContextVar("gateway.sql", default=None)
