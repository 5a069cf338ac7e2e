"""What is logged about workers that end or don't start."""

from __future__ import annotations

import logging
import re

from gateway.server.worker import WorkerProcess

__all__ = ["WorkerLog"]

logger = logging.getLogger("uvicorn.error")

_ADDRESS = re.compile(r"0x[0-9a-f]+")


class WorkerLog:
    """Logs each problem once, until all workers serve again."""

    def __init__(self) -> None:
        self._told = ""  # the last problem that was logged
        self._missing = False  # a worker is missing

    def forget(self) -> None:
        """Log the next problem even if it is the last one again."""
        self._told = ""

    def worker_ended(self, worker: WorkerProcess, how: str) -> None:
        """A worker that served has ended."""
        logger.error("%r %s", worker, how)
        self._missing = True

    def not_reloaded(self, problem: str) -> None:
        """A reload is given up."""
        logger.error("Not reloaded; everything goes on as it was: %s", problem)

    def did_not_start(self, problem: str, again: str | None, *, missing: bool) -> None:
        """A worker did not start. `again` says when the next attempt is; `missing`: no worker serves in its place."""
        self._missing = self._missing or missing
        same = _ADDRESS.sub("", problem)
        if same != self._told:
            self._told = same
            logger.error("A worker did not start%s: %s", "" if again is None else f"; tried again {again}", problem)

    def all_serve(self, number: int) -> None:
        """All `number` workers serve."""
        if self._missing:
            self._told, self._missing = "", False
            logger.info("All %d workers serve again", number)
