"""The threads of a process that use the database: one polls for changes, one stores, judges and deletes old rows, and
where there are hooks, one delivers events.

Requests depend on none of them: a slow or unavailable database delays no request, and a slow hook neither.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.clock import utc_now
from gateway.control.guarding import GuardLoop
from gateway.control.hooks.delivery import Deliverer
from gateway.control.models import Worker
from gateway.control.periodic import PeriodicThread
from gateway.control.poller import Poller
from gateway.control.serving import Served, begin_serving, end_serving
from gateway.control.store import Origin
from gateway.control.writer import Writer
from gateway.upstreams.release import release_of

if TYPE_CHECKING:
    from gateway.config.routes import RouteConfig

__all__ = ["Control"]

logger = logging.getLogger("gateway.control")
FIRST = 5.0  # seconds that startup waits for the database
END = 5.0  # seconds that shutdown waits for the database
DELIVER = 0.5  # seconds between two looks for events


class Control:
    """Synchronizes `gateway` with the database, from `startup` to `shutdown`."""

    def __init__(self, gateway: Served) -> None:
        self._gateway = gateway
        self._threads: list[PeriodicThread] = []

    @property
    def connections(self) -> int:
        """How many connections its threads may open: one each, and those of functions that are hooks."""
        hooks = self._gateway.config.hooks
        return 2 + bool(hooks) + sum(hook.call is not None for hook in hooks)

    async def startup(self) -> None:
        """Start, and wait for the first poll, so that no request is decided by the file's state of a route that was
        changed.

        An unavailable database doesn't prevent the server from starting.
        """
        gateway, settings = self._gateway, self._gateway.config.rollout
        poller = Poller(
            gateway, gateway.recordings.follow, gateway.mirroring.rules.accept, gateway.readiness.polled_now
        )
        gateway.readiness.polled_now()  # its age counts from the start
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
            routes,
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
            polling.settled.set()  # from now on it retries less often
        self._threads.append(writing)  # after the first poll, since it stores the revision
        writing.start()
        begin_serving(gateway)
        if gateway.config.hooks:
            self._threads.append(_delivering(gateway))
            self._threads[-1].start()

    async def shutdown(self) -> None:
        """Stop, after storing the counts."""
        end_serving(self._gateway)
        self._gateway.recordings.close()
        for thread in self._threads:
            thread.stop()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + END
        for thread in self._threads:
            if not await asyncio.to_thread(thread.join, max(0.0, deadline - loop.time())):
                logger.warning("%s still waits for the database, and is left behind", thread.name)
        self._threads = []


def _delivering(gateway: Served) -> PeriodicThread:
    deliverer = Deliverer(gateway.config.hooks, gateway.clock, gateway.randomness)
    return PeriodicThread(
        "gateway-hooks", DELIVER, deliverer.work, meanwhile="hooks are told later", last=deliverer.last
    )


def _worker(releases: Mapping[str, str], gateway: Served) -> Worker:
    """The row of this process. Created when it starts to serve: forked processes must not share one."""
    return Worker(
        id=gateway.randomness.visitor_id(),
        host=socket.gethostname(),
        pid=os.getpid(),
        started=(started := utc_now(gateway.clock)),
        seen=started,
        releases={**releases},
    )


def _releases(gateway: Served) -> dict[str, str]:
    """The release of each service in this process, if known."""
    found = {
        name: release_of(config.release, config.app, gateway.services[name].endpoints())
        for name, config in gateway.config.services.items()
    }
    return {name: release for name, release in found.items() if release}


def _origin(worker: Worker, routes: Mapping[str, RouteConfig]) -> Origin:
    """The origin of what `worker` counts of these routes."""
    known: Mapping[str, str] = worker.releases
    return Origin(worker.started, {name: known.get(route.service, "") for name, route in routes.items()})
