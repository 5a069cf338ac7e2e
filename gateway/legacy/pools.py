"""The thread pools for synchronous code of the project and of the services inside its middleware."""

from __future__ import annotations

import asyncio
import logging

from gateway.legacy.connections import django_threads
from gateway.threads import Threads

__all__ = ["LAST_WORK", "Pools"]

logger = logging.getLogger("gateway.django")

LOOKUPS = 4  # threads that look up callers in the database
LAST_WORK = 5.0  # seconds that threads have at shutdown to finish (docs/deployment.md)


class Pools:
    """A pool for each kind of code, so that none blocks the others.

    `views` runs synchronous views, on `threads` threads; `reserve` is for the admin and for reserved paths; `leases`
    runs the synchronous code of asynchronous views; `lookups` finds out who callers are. `all` are these, and those of
    services.
    """

    def __init__(self, threads: int, reserve: int) -> None:
        self.views = django_threads(threads, "django")
        self.reserve = django_threads(reserve, "django-reserve")
        self.leases = django_threads(max(4, threads // 2), "django-async")
        self.lookups = django_threads(LOOKUPS, "django-callers")
        self.all = [self.views, self.reserve, self.leases, self.lookups]

    @property
    def size(self) -> int:
        """The maximum number of threads, each with its own connection to every database."""
        return sum(pool.size for pool in self.all)

    @property
    def busy(self) -> bool:
        """Whether requests wait for a thread."""
        for pool in self.all:  # noqa: SIM110 - read for each mirror: a generator would take three times as many steps
            if pool.waiting:
                return True
        return False

    def of_service(self, service: str, threads: int | None = None) -> tuple[Threads, Threads]:
        """Threads for the synchronous code of one service, and for the middleware around it, so that a slow service
        can't use up those of others. `threads` is the number of the former; default: half of the project's.

        There are half as many of the latter. They run nothing that takes long: a waiting chain can only continue on its
        own thread, which must be free then.
        """
        size = max(4, self.views.size // 2) if threads is None else threads
        work = django_threads(size, f"service-{service}")
        middleware = django_threads(max(4, size // 2), f"middleware-{service}")
        self.all += [work, middleware]
        return work, middleware

    def close(self) -> None:
        """Let every thread end once it has nothing to do."""
        for pool in self.all:
            pool.close()

    async def finish(self) -> None:
        """Wait for what threads do after their responses (`response.close()`, `request_finished`), LAST_WORK at most.

        They are daemon threads, since a view that never returns would otherwise keep the process alive.
        """
        loop = asyncio.get_running_loop()
        patience = loop.time() + LAST_WORK
        while working := sum(pool.working + pool.waiting for pool in self.all):
            if loop.time() > patience:
                logger.warning(
                    "threads that still work %g s after the last answer: %d; they end here", LAST_WORK, working
                )
                return
            await asyncio.sleep(0.005)
