"""The two threads with which a process takes part: one looks for changes, the other stores, judges and clears away.

Neither is on the way of a request: a database that is slow or away delays nobody.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from gateway.clock import utc_now
from gateway.control.guarding import GuardLoop
from gateway.control.models import Worker
from gateway.control.periodic import PeriodicThread
from gateway.control.poller import Poller
from gateway.control.store import Origin
from gateway.control.writer import Writer
from gateway.snapshot import Publisher
from gateway.upstreams.release import release_of

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.config import Config
    from gateway.config.routes import RouteConfig
    from gateway.mirroring.difference_log import DifferenceLog
    from gateway.randomness import Randomness
    from gateway.recording.recordings import Recordings
    from gateway.rollout.breaker import CircuitBreaker
    from gateway.stats.counters import Counters
    from gateway.upstreams.base import Service

__all__ = ["Control", "Served"]

logger = logging.getLogger("gateway.control")
FIRST = 5.0  # seconds that the start of the server waits for the database
END = 5.0  # seconds that its end does


class Served(Publisher, Protocol):
    """What serves here: what is counted and found in it is stored, and where its routes are is published to it."""

    config: Config
    clock: Clock
    randomness: Randomness
    counters: Counters
    recordings: Recordings
    services: Mapping[str, Service]

    @property
    def difference_log(self) -> DifferenceLog:
        """What comparisons of mirrors have found."""

    @property
    def breakers(self) -> Mapping[str, CircuitBreaker]:
        """The circuit breaker of each service."""


class Control:
    """Keeps `gateway` in step with the database, from `startup` to `shutdown`."""

    THREADS = 2  # with a connection each

    def __init__(self, gateway: Served) -> None:
        self._gateway = gateway
        self._threads: list[PeriodicThread] = []

    async def startup(self) -> None:
        """Start, and wait for the first look, so that no request is decided by what the file says of a moved route.

        A database that is away doesn't keep the server from starting.
        """
        gateway, settings = self._gateway, self._gateway.config.rollout
        poller = Poller(gateway, gateway.recordings.follow)
        routes = gateway.snapshot.routes
        guard_loop = GuardLoop(routes, gateway.clock)
        worker = _worker(_releases(gateway), gateway)
        writer = Writer(
            worker,
            _origin(worker, routes),
            gateway.counters,
            gateway.difference_log,
            guard_loop,
            lambda: poller.revision,
            gateway.clock,
            gateway.breakers,
            gateway.randomness,
            gateway.recordings,
        )
        polling = PeriodicThread(
            "gateway-poll", settings.poll, poller.look, meanwhile="routes stay at the last stages that are known"
        )
        writing = PeriodicThread(
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
        self._gateway.recordings.close()
        for thread in self._threads:
            thread.stop()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + END
        for thread in self._threads:
            if not await asyncio.to_thread(thread.join, max(0.0, deadline - loop.time())):
                logger.warning("%s still waits for the database, and is left behind", thread.name)
        self._threads = []


def _worker(releases: Mapping[str, str], gateway: Served) -> Worker:
    """This process. Made when it starts to serve: what was forked from one process must not be one worker."""
    return Worker(
        id=gateway.randomness.visitor_id(),
        host=socket.gethostname(),
        pid=os.getpid(),
        started=(started := utc_now(gateway.clock)),
        seen=started,
        releases={**releases},
    )


def _releases(gateway: Served) -> dict[str, str]:
    """The release of each service that this process runs, where one is known."""
    found = {
        name: release_of(config.release, config.app, gateway.services[name].endpoints())
        for name, config in gateway.config.services.items()
    }
    return {name: release for name, release in found.items() if release}


def _origin(worker: Worker, routes: Mapping[str, RouteConfig]) -> Origin:
    """Where what `worker` counts of these routes comes from."""
    known: Mapping[str, str] = worker.releases
    return Origin(worker.started, {name: known.get(route.service, "") for name, route in routes.items()})
