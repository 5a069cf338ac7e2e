"""The place of one worker."""

from __future__ import annotations

import logging

from gateway.server.backoff import SETTLED, Backoff
from gateway.server.departing import DepartingWorkers
from gateway.server.worker import WorkerProcess
from gateway.server.worker_log import WorkerLog

__all__ = ["HANGS", "WorkerPlace"]

logger = logging.getLogger("uvicorn.error")

HANGS = 30.0  # seconds without an answer after which a process is killed


class WorkerPlace:
    """The worker that serves, and its replacement while it starts. Those that are replaced go to `departing`."""

    def __init__(self, departing: DepartingWorkers, log: WorkerLog) -> None:
        self._departing = departing
        self._log = log
        self.serving: WorkerProcess | None = None
        self.coming: WorkerProcess | None = None
        self.backoff = Backoff()
        self.due = 0.0  # when to start another one, if none serves or it is `outdated`
        self.outdated = False  # the serving worker is to be replaced

    @property
    def workers(self) -> list[WorkerProcess]:
        """The one that serves and the one that starts."""
        return [worker for worker in (self.serving, self.coming) if worker is not None]

    def replace(self) -> None:
        """Have the serving worker replaced by a new one, as soon as that serves."""
        self.outdated, self.due = True, 0.0
        self._departing.add(self.coming)  # it may have loaded the old code
        self.coming = None

    def restart(self) -> None:
        """Stop the worker now, and have a new one started."""
        self.vacate()
        self.backoff.reset()
        self.due = 0.0

    def vacate(self) -> None:
        """Stop its workers."""
        for worker in self.workers:
            self._departing.add(worker)
        self.serving = self.coming = None

    def hand_over(self, worker: WorkerProcess) -> None:
        """The new worker serves."""
        self._departing.add(self.serving)
        self.serving, self.coming, self.outdated = worker, None, False

    def failed(self, now: float) -> None:
        """Delay the next attempt, longer each time."""
        self.due = now + self.backoff.fail()

    def check_serving(self, now: float) -> None:
        """Have the serving worker, if any, replaced if it has ended, stops or hangs; then it is killed."""
        worker = self.serving
        if worker is None:
            return
        hangs = worker.silence(now) > HANGS
        if hangs:
            worker.kill()
        if worker.alive and not worker.leaves:
            return
        self.serving, self.due = None, now
        if worker.alive:  # a signal was sent to it directly
            logger.info("%r was told to stop; another one takes its place", worker)
            self._departing.add(worker)
            return
        self._log.worker_ended(worker, f"did not answer for {HANGS:g} seconds" if hangs else worker.end)
        if now - worker.since < SETTLED:
            self.failed(now)
        else:
            self.backoff.reset()
