"""Records what one request does in the database, and whether a throttle refused it, to compare it with another
upstream."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import ParamSpec

from gateway.context.outbound import OutboundLog
from gateway.parity.answer import Sql
from gateway.parity.rows import Rows, TableInfo, Value, Written

__all__ = ["Recorder", "note_request", "recorded_by", "recorder", "unrecorded"]

P = ParamSpec("P")
SAVEPOINT, BACK = "SAVEPOINT ", "ROLLBACK TO SAVEPOINT "
TRANSACTIONS = ("BEGIN", SAVEPOINT, "RELEASE SAVEPOINT ", BACK)
MOST = 200  # statements of one request that are kept; all are counted
LONGEST = 2**18  # characters of them, and of the values that they write
MOST_VALUES = 4000
NOTHING = Rows()


class Recorder:
    """The statements of one request, on all its threads: the first MOST, up to LONGEST, and their total number.

    `throttled`: a throttle refused it, whatever the response's status. `effects` are its other effects, in words
    without values; `elsewhere`: another server answered it, whose effects are unknown. `request` is the project's own
    request object. `lines` gets the lines of the project's code that run, by file, if that is wanted: then `trace` is
    called, on the thread of the request; `traced` counts what it notes. `outbound` gets its requests to other servers,
    if that is wanted. `spent` are the seconds of processor time that all this takes, if they are measured. Connections
    are identified by numbers.
    """

    __slots__ = ("_count", "_cut", "_length", "_marks", "_room", "_statements", "_tables", "_values", "_written",
                 "effects", "elsewhere", "lines", "outbound", "request", "spent", "throttled",
                 "trace", "traced")  # fmt: skip

    def __init__(self) -> None:
        self.throttled = self.elsewhere = False
        self.request: object = None
        self.lines: set[tuple[str, int]] | None = None
        self.trace: Callable[[Recorder], None] | None = None
        self.effects: list[str] = []
        self.outbound: OutboundLog | None = None
        self.traced = 0
        self.spent: float | None = None
        self._statements: list[str] = []
        self._count = self._length = 0
        self._written: list[tuple[int, bool, Written]] = []  # connection, whether in a transaction, statement
        self._tables: dict[str, TableInfo] = {}
        self._marks: dict[tuple[int, str], int] = {}  # index into `_written` at savepoints and commits
        self._values, self._room, self._cut = MOST_VALUES, LONGEST, False

    def noting(self, note: Callable[P, None], *given: P.args, **named: P.kwargs) -> None:
        """Call `note`, which adds to this, and add its time to `spent`."""
        if self.spent is None:
            note(*given, **named)
            return
        since = time.thread_time()
        note(*given, **named)
        self.spent += time.thread_time() - since

    def add(self, statement: str, connection: int = 0) -> None:
        """Note a statement that is about to be executed. Statements that begin and end transactions are left out: a
        mirror always has a transaction, and a savepoint where its caller has a transaction."""
        if statement.startswith(TRANSACTIONS):
            self._savepoint(statement, connection)
            return
        self._count += 1
        self._length += len(statement)
        if len(self._statements) < MOST and self._length <= LONGEST:
            self._statements.append(statement)

    # -- rows -----------------------------------------------------------------------------------

    def write(self, written: Written, table: TableInfo, connection: int, *, atomic: bool) -> None:
        """Note a statement that has written; `atomic`: in a transaction. Beyond the limits, none is noted."""
        values, size = _size(written.values)
        self._values -= values
        self._room -= size + len(written.statement)
        if self._cut or self._values < 0 or self._room < 0 or len(self._written) >= MOST:
            self._cut = True
            return
        self._tables[written.table] = table
        self._written.append((connection, atomic, written))

    def has_room(self, values: int) -> bool:
        """Whether that many values would be kept. If not, they need not be read; that there were more is noted."""
        if self._cut or values > self._values or len(self._written) >= MOST:
            self._cut = True
        return not self._cut

    def key_of_inserted(self, table: str, key: str) -> None:
        """Note the primary key of the row that was last inserted into `table`."""
        for index in range(len(self._written) - 1, -1, -1):
            connection, atomic, written = self._written[index]
            if written.table == table:
                if written.key is None:
                    self._written[index] = connection, atomic, replace(written, key=key)
                return

    def committed(self, connection: int) -> None:
        """A transaction was committed: its writes are permanent."""
        self._marks[connection, ""] = len(self._written)

    def rolled_back(self, connection: int) -> None:
        """A transaction was rolled back: its writes are discarded."""
        start = self._marks.get((connection, ""), 0)
        self._forget(start, lambda of, atomic: of == connection and atomic)

    def _savepoint(self, statement: str, connection: int) -> None:
        if statement.startswith(SAVEPOINT):
            self._marks[connection, statement.removeprefix(SAVEPOINT)] = len(self._written)
        elif statement.startswith(BACK):
            start = self._marks.get((connection, statement.removeprefix(BACK)), 0)
            self._forget(start, lambda of, _: of == connection)

    def _forget(self, start: int, undone: Callable[[int, bool], bool]) -> None:
        self._written[start:] = [entry for entry in self._written[start:] if not undone(entry[0], entry[1])]

    def rows(self) -> Rows | None:
        """What was written so far; None when that is unknown."""
        if self.elsewhere:
            return None
        if not self._written and not self._cut:
            return NOTHING
        return Rows(tuple(entry[2] for entry in self._written), dict(self._tables), self._cut)

    # -- results ----------------------------------------------------------------------------------

    def known_effects(self) -> tuple[str, ...] | None:
        """The effects; None when they are unknown."""
        return None if self.elsewhere else tuple(self.effects[:MOST])

    def sql(self) -> Sql:
        """What was noted so far."""
        return Sql(tuple(self._statements), self._count)


# The recorder of this context, and of the threads and tasks that it starts; None if nothing is recorded.
recorder: contextvars.ContextVar[Recorder | None] = contextvars.ContextVar("gateway.sql", default=None)


def note_request(request: object) -> None:
    """Note the project's own request object, if this request is recorded."""
    current = recorder.get()
    if current is not None:
        current.request = request
        if current.trace is not None:
            current.trace(current)


@contextmanager
def recorded_by(notes: Recorder | None) -> Iterator[None]:
    """A block that is recorded there; None: nowhere."""
    token = recorder.set(notes)
    try:
        yield
    finally:
        recorder.reset(token)


def unrecorded() -> AbstractContextManager[None]:
    """A block in which nothing is recorded."""
    return recorded_by(None)


def _size(values: tuple[Value, ...] | Mapping[str, Value] | None) -> tuple[int, int]:
    """The number of values, and of their characters."""
    count = length = 0
    for value in values.values() if isinstance(values, Mapping) else values or ():
        if isinstance(value, tuple):
            more, longer = _size(value)
            count, length = count + more, length + longer
        else:
            count, length = count + 1, length + len(value or "")
    return count, length
