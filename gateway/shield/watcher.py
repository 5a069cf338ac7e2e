"""Watches for sessions that wait for a mirror's locks; the mirror's transaction is ended then.

One thread per process, running only while mirrors that may write have transactions, queries the database about those
that are older than TICK, on a connection of its own that it opens for the first query. The server ends the transaction:
the mirror may be executing anything then, or nothing, so its connection is closed by the server, which rolls back and
releases the locks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.clock import SYSTEM
from gateway.stats.throttled_warnings import ThrottledWarnings

__all__ = ["Watcher", "watcher"]

logger = logging.getLogger("gateway.parity")

TICK = 0.02  # seconds between two queries, and the age from which transactions are watched
LINGER = 1.0  # seconds that thread and connections are kept after the last transaction
REST = 1.0  # seconds without queries after one has failed


class Watched(Protocol):
    """A transaction of a mirror. `session` is the server's ID of its connection."""

    alias: str
    session: int

    def cut(self) -> None:
        """The server is about to end it."""


class Questions(NamedTuple):
    """The queries for one kind of database: `blocking` finds those of the given sessions for which others wait; `end`
    ends one."""

    blocking: str
    end: str


# pg_locks shows everybody's locks to every user; pg_stat_activity doesn't.
POSTGRESQL = Questions(
    "SELECT blocking, bool_or(waiting.pid <> ALL(%(sessions)s)) "
    "FROM pg_locks AS waiting, unnest(pg_blocking_pids(waiting.pid)) AS blocking "
    "WHERE NOT waiting.granted AND blocking = ANY(%(sessions)s) GROUP BY blocking",
    "SELECT pg_terminate_backend(%s)",  # doesn't wait for the end; the connection isn't used again
)
# Who waits for whom is shown only to users with PROCESS, at most ten times a second; how many wait is shown to all.
MARIADB = Questions("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'", "KILL CONNECTION %s")
ASKED: Mapping[str, Questions] = {"postgresql": POSTGRESQL, "mysql": MARIADB}


class Watcher:
    """Watches transactions from `add` to `remove`, on a thread that ends when there were none for a while."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._open: dict[Watched, float] = {}  # the time from which it is watched
        self._running = False
        self._remains = False
        self._asking: dict[str, BaseDatabaseWrapper] = {}  # used on its thread only
        self._throttled = ThrottledWarnings(logger)
        self._resting: dict[str, float] = {}  # aliases that can't be queried, until when

    def add(self, transaction: Watched) -> None:
        """Watch `transaction`, which has locks from now on."""
        with self._lock:
            self._open[transaction] = SYSTEM.monotonic() + TICK
            if self._running:
                self._lock.notify()
            else:
                self._start()

    def remain(self) -> None:
        """Start the thread now, and keep it. It inherits the priority that its caller has at this moment."""
        with self._lock:
            self._remains = True
            if not self._running:
                self._start()

    def _start(self) -> None:
        self._running = True
        threading.Thread(target=self._run, name="gateway-watcher", daemon=True).start()

    def remove(self, transaction: Watched) -> None:
        """Stop watching it: its connection may be used for others then. Waits if it is just being ended."""
        with self._lock:
            self._open.pop(transaction, None)

    # -- on its thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        while self._goes_on():
            time.sleep(TICK)
            for alias, due in self._due().items():
                self._look(alias, due)
        self._resting.clear()

    def _goes_on(self) -> bool:
        """Wait for something to watch. After LINGER seconds without, all connections are closed, and the thread ends
        (then this is False) unless `remain` was called."""
        with self._lock:
            if not self._open:
                self._lock.wait(LINGER)
            if not self._open:
                for alias in [*self._asking]:
                    self._hang_up(alias)
                self._running = self._remains
                self._lock.wait_for(lambda: self._open or not self._remains)
            return self._running

    def _due(self) -> Mapping[str, Sequence[Watched]]:
        now = SYSTEM.monotonic()
        due: defaultdict[str, list[Watched]] = defaultdict(list)
        with self._lock:
            for transaction, at in self._open.items():
                if at <= now and self._resting.get(transaction.alias, now) <= now:
                    due[transaction.alias].append(transaction)
        return due

    def _look(self, alias: str, due: Sequence[Watched]) -> None:
        try:
            connection = self._asking.get(alias)
            if connection is None:
                connection = self._asking[alias] = _apart(alias)
            questions = ASKED[connection.vendor]
            blocking = _blocking(connection, questions, [transaction.session for transaction in due])
            for transaction in due:
                if transaction.session in blocking:
                    self._end(transaction, connection, questions)
        except Exception as exc:  # noqa: BLE001 - drivers raise whatever they like
            self._throttled.warn(
                alias, "which transactions wait for mirrors of writes can't be read from %r: %s", alias, exc
            )
            self._resting[alias] = SYSTEM.monotonic() + REST
            self._hang_up(alias)

    def _end(self, transaction: Watched, connection: BaseDatabaseWrapper, questions: Questions) -> None:
        with self._lock:  # otherwise its connection could be a caller's by now
            if self._open.pop(transaction, None) is not None:
                transaction.cut()
                with connection.cursor() as cursor:
                    cursor.execute(questions.end, [transaction.session])

    def _hang_up(self, alias: str) -> None:
        if (connection := self._asking.pop(alias, None)) is not None:
            try:
                connection.close()
            except Exception:
                logger.exception("the connection that asked %r who waits for mirrors can't be closed", alias)


def _apart(alias: str) -> BaseDatabaseWrapper:
    """A separate connection that is not from a pool, which may be exhausted just when callers wait."""
    connection = connections[alias].copy()
    settings: dict[str, Any] = connection.settings_dict  # a copy, like the connection
    settings["OPTIONS"].pop("pool", None)
    settings["AUTOCOMMIT"] = True
    return connection


def _blocking(connection: BaseDatabaseWrapper, questions: Questions, sessions: list[int]) -> set[int]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(questions.blocking, {"sessions": sessions})
            found = cursor.fetchall()
            # A mirror that waits for another one doesn't matter, unless a caller waits for it.
            return {session for session, _ in found} if any(caller for _, caller in found) else set()
        cursor.execute(questions.blocking)
        row = cursor.fetchone()
        return set(sessions) if row is not None and int(row[1]) else set()


watcher = Watcher()
