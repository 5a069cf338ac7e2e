"""Checks whether the stores that both sides use can be reached: the project's databases and caches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from django.core.cache import caches
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.clock import SYSTEM, Clock
from gateway.dispatch.suspicion import is_suspicious
from gateway.threads import Threads

__all__ = ["Stores"]

logger = logging.getLogger("gateway.django")

PATIENCE = 2.0  # seconds within which a store must answer
FRESH = 1.0  # seconds for which a result is reused


class Stores:
    """The databases and caches of the project. They are checked only after a service has failed in a way that they may
    have caused, at most once in FRESH seconds, on a separate thread with its own connections.

    There is only one such thread: a driver may wait for minutes for a store that doesn't answer.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._threads = Threads(1, name="django-stores")
        self._found: str | None = None
        self._until = clock.monotonic()
        self._asking: asyncio.Task[str | None] | None = None

    async def unreachable(self) -> str | None:
        """Which of them can't be reached, in words; None when all can."""
        if self._clock.monotonic() < self._until:
            return self._found
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return await asyncio.shield(self._asking)

    def close(self) -> None:
        """End the thread. One that still waits for an answer is abandoned."""
        self._threads.close()

    async def _ask(self) -> str | None:
        lease = self._threads.lease()
        try:
            async with asyncio.timeout(PATIENCE):
                self._found = await asyncio.wrap_future(lease.submit(_away))
        except TimeoutError:
            self._found = f"databases and caches did not all answer in {PATIENCE:g} s"
        except Exception:  # for instance from a driver's `close`: then nothing is known
            logger.exception("could not find out whether databases and caches can be reached")
            self._found = None
        finally:
            lease.release()
        self._until = self._clock.monotonic() + FRESH
        return self._found


def _away() -> str | None:
    return "; ".join([*_databases(), *_caches()]) or None


def _databases() -> Iterator[str]:
    for alias in connections:
        connection = connections[alias]
        try:
            if not _usable(connection):
                yield f"database {alias!r} does not answer"
        except Exception as exc:  # noqa: BLE001 - drivers raise whatever they like
            if is_suspicious(exc):
                yield f"database {alias!r}: {type(exc).__name__}: {exc}".strip()
        finally:
            connection.close()


def _usable(connection: BaseDatabaseWrapper) -> bool:
    connection.ensure_connection()
    return connection.is_usable()


def _caches() -> Iterator[str]:
    for alias in caches:
        try:
            caches[alias].get("gateway.away")
        except Exception as exc:  # noqa: BLE001 - clients raise whatever they like
            if is_suspicious(exc):
                yield f"cache {alias!r}: {type(exc).__name__}: {exc}".strip()
    caches.close_all()
