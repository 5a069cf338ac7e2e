"""The two threads with which a process takes part: one looks for changes, the other stores, judges and clears away.

Neither is on the way of a request: a database that is slow or away delays nobody.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.control.keeper import Keeper
from gateway.control.models import Worker
from gateway.control.poller import Poller
from gateway.control.repeated import Repeated
from gateway.control.writer import Writer

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["Control"]

logger = logging.getLogger("gateway.control")
FIRST = 5.0  # seconds that the start of the server waits for the database
END = 5.0  # seconds that its end does


class Control:
    """Keeps `gateway` in step with the database, from `startup` to `shutdown`."""

    THREADS = 2  # with a connection each

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._threads: list[Repeated] = []

    async def startup(self) -> None:
        """Start, and wait for the first look, so that no request is decided by what the file says of a moved route.

        A database that is away doesn't keep the server from starting.
        """
        gateway, settings = self._gateway, self._gateway.config.rollout
        poller = Poller(gateway)
        routes = gateway.snapshot.routes
        keeper = Keeper(routes, gateway.clock)
        writer = Writer(_worker(), gateway.counters, gateway.report, keeper, lambda: poller.revision, gateway.clock)
        polling = Repeated(
            "gateway-poll", settings.poll, poller.look, meanwhile="routes stay at the last stages that are known"
        )
        writing = Repeated(
            "gateway-write",
            settings.flush,
            writer.work,
            meanwhile="counts are kept for ten minutes, and no route is guarded",
            last=writer.last,
        )
        self._threads.append(polling)
        polling.start()
        if not await asyncio.to_thread(polling.settled.wait, FIRST):
            logger.warning("the database did not answer in %g s: routes stand where the file says", FIRST)
            polling.settled.set()  # from now on it is tried less often
        self._threads.append(writing)  # after the first look, or this worker would sign for a revision that it isn't at
        writing.start()

    async def shutdown(self) -> None:
        """Stop, after what was counted is stored."""
        for thread in self._threads:
            thread.stop()
        deadline = time.monotonic() + END
        for thread in self._threads:
            if not await asyncio.to_thread(thread.join, max(0.0, deadline - time.monotonic())):
                logger.warning("%s still waits for the database, and is left behind", thread.name)
        self._threads = []


def _worker() -> Worker:
    """This process. Made when it starts to serve: what was forked from one process must not be one worker."""
    now = datetime.now(UTC)
    return Worker(id=uuid4().hex, host=socket.gethostname(), pid=os.getpid(), started=now, seen=now)
