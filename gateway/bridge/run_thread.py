"""The thread that the synchronous code of one request's middleware runs on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from django.core.exceptions import ImproperlyConfigured

from gateway.bridge.views import View
from gateway.legacy.connections import open_transactions, own_connections, return_pooled
from gateway.threads import Lease, PooledThread, Threads, current_thread

__all__ = ["RunThread"]


class RunThread:
    """The first of `threads` that is free; or, if it is `pinned`, the thread of `lease`, on which the service's
    synchronous code runs.

    `go` runs a job on it. `settled`: code has run there, so the thread won't change. `blocks` is the number of
    transactions and savepoints around the service: the chain's and, in a test, the test's.
    """

    # Without __slots__: initial values are defaults of the class, so that they need not be set each time.
    pinned = settled = _keeps = False
    blocks = _blocks_before = 0  # the latter when the request began

    def __init__(self, threads: Threads, lease: Lease) -> None:
        self.threads = threads
        self.lease = lease
        self.go: Callable[[Callable[[], None]], None] = threads.submit

    def pin(self, *, to_the_end: bool) -> None:
        """Run everything on the thread of the lease, and keep it until the response.

        `to_the_end`: until the end of the request, with its stream, its background tasks and its WebSocket.
        """
        self.lease.hold()
        self.pinned = True
        self._keeps = to_the_end
        self.go = self.lease.run

    def let_go(self) -> None:
        """The chain has ended: a stream or a WebSocket that follows keeps no thread while it waits."""
        if self.pinned and not self._keeps:
            self.lease.unhold()

    # -- on the thread --------------------------------------------------------------------------

    def settle(self) -> None:
        """Keep to the current thread from now on."""
        if not self.pinned:
            self.go = partial(self.threads.submit_to, cast("PooledThread", current_thread()))
        self._blocks_before = open_transactions()
        self.settled = True

    def share(self, view: View) -> int:
        """Let other requests use this thread, while this one waits for the service of `view` or for other asynchronous
        code. Returns the number of open transactions and savepoints.

        Raises ImproperlyConfigured if other requests would write into one of them.
        """
        own = own_connections()
        blocks = open_transactions(own)
        if not self.pinned:
            if blocks > self._blocks_before:
                raise ImproperlyConfigured(
                    "a middleware keeps a transaction open while the view runs, on a thread that other requests share; "
                    f"write one_thread = true in [services.{view.service}]"
                )
            return_pooled(own)
        return blocks

    def check_ended(self) -> None:
        """Before the chain's blocks end: raises RuntimeError if the service has left a transaction open inside them."""
        if self.blocks > self._blocks_before and open_transactions() > self.blocks:
            raise RuntimeError(
                "the service has a transaction open inside one that the middleware or ATOMIC_REQUESTS holds, and that "
                "ends with the answer; end it before (in a socket, before `accept`)"
            )
