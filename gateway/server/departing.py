"""Workers that were asked to stop, and finish their requests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from gateway.clock import Clock
from gateway.server.uvicorn import LAST_WORK, LINGER, MARGIN
from gateway.server.worker import WorkerProcess

__all__ = ["DepartingWorkers"]

logger = logging.getLogger("uvicorn.error")


class DepartingWorkers:
    """Workers that stop, each with the time at which it is killed. Requests have `grace` seconds to finish."""

    def __init__(self, grace: float, clock: Clock) -> None:
        self._grace = grace
        self._clock = clock
        self._workers: list[tuple[WorkerProcess, float]] = []

    def __iter__(self) -> Iterator[WorkerProcess]:
        return (worker for worker, _ in self._workers)

    def __len__(self) -> int:
        return len(self._workers)

    def add(self, worker: WorkerProcess | None) -> None:
        """Ask `worker`, if any, to finish its requests and end."""
        if worker is not None:
            worker.terminate()
            seconds = self._grace + LINGER + LAST_WORK + 2 * MARGIN
            self._workers.append((worker, self._clock.monotonic() + seconds))

    def hurry(self) -> None:
        """Ask all to end at once."""
        for worker in self:
            worker.hurry()
        until = self._clock.monotonic() + LAST_WORK + MARGIN
        self._workers = [(worker, until) for worker in self]

    def give_up(self) -> None:
        """Let all be killed by the next `tick`."""
        self._workers = [(worker, 0.0) for worker in self]

    def tick(self, now: float) -> None:
        """Kill those whose time is over, and forget those that have ended."""
        for worker, until in self._workers:
            if now > until:
                logger.error("%r did not end and is killed", worker)
                worker.kill()
        self._workers = [(worker, until) for worker, until in self._workers if worker.alive]
