"""Periodic work on a separate thread, which continues when its database is unavailable for a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

from gateway.clock import SYSTEM
from gateway.control.database import let_go, missing, prepare, tidy

__all__ = ["PeriodicThread"]

logger = logging.getLogger("gateway.control")
PAUSE = 1.0  # least number of seconds between two attempts to reach an unavailable database


class PeriodicThread:
    """Calls `work` every `every` seconds from `start` to `stop`, and `last` after that.

    It has a connection of its own. An error is logged once until it is over, with `meanwhile`, which says what applies
    until then. `settled` is set after the first success, or when waiting for that won't help.
    """

    def __init__(
        self,
        name: str,
        every: float,
        work: Callable[[], object],
        *,
        meanwhile: str,
        last: Callable[[], None] = lambda: None,
    ) -> None:
        self._every = every
        self._work = work
        self._last = last
        self._meanwhile = meanwhile
        self._failing_since: float | None = None
        self._stopping = threading.Event()
        self.settled = threading.Event()
        # A daemon: a database that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def name(self) -> str:
        """The name of the thread."""
        return self._thread.name

    def start(self) -> None:
        """Start the thread. Only once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stopping.set()

    def join(self, patience: float) -> bool:
        """Wait up to `patience` seconds for the thread. Returns whether it has ended."""
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._once()):
                pass
            self._last()
        finally:
            let_go()

    def _once(self) -> float:
        """Call `work`; returns the seconds to wait before the next time."""
        try:
            prepare()
            self._work()
            tidy()
        except Exception as exc:  # noqa: BLE001 - this thread must outlive whatever a database driver raises
            self._failed(exc)
            let_go()
            return max(self._every, PAUSE) if self.settled.is_set() else self._every
        self._recovered()
        self.settled.set()
        return self._every

    def _failed(self, exc: Exception) -> None:
        if missing(exc) or not isinstance(exc, (OperationalError, InterfaceError)):
            self.settled.set()
        if self._failing_since is not None:
            return
        self._failing_since = SYSTEM.monotonic()
        if missing(exc):
            logger.warning("gateway.control has no tables: run `manage.py migrate`; until then %s", self._meanwhile)
        elif isinstance(exc, (OperationalError, InterfaceError)):
            logger.warning("the database is away (%s); %s", str(exc).strip(), self._meanwhile)
        else:
            logger.warning("%s failed; %s", self._thread.name, self._meanwhile, exc_info=exc)

    def _recovered(self) -> None:
        if self._failing_since is not None:
            seconds = SYSTEM.monotonic() - self._failing_since
            logger.warning("the database is back after %.1f s", seconds)
            self._failing_since = None
