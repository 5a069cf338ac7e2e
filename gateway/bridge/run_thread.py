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
    """One of `threads`, whichever is free first and then no other; or, where it is `pinned`, that of `lease`, which is
    the one that the service's synchronous code gets.

    `go` runs a job there. `settled`: some code has run, so that no other thread will do. `blocks` is how many
    transactions and savepoints are open around the service: the chain's and, in a test, the test's.
    """

    # Without __slots__, so that what is so at first is not set for each.
    pinned = settled = _keeps = False
    blocks = _blocks_before = 0  # and how many were when the request began

    def __init__(self, threads: Threads, lease: Lease) -> None:
        self.threads = threads
        self.lease = lease
        self.go: Callable[[Callable[[], None]], None] = threads.submit

    def pin(self, *, to_the_end: bool) -> None:
        """Run everything on the thread of the lease, and keep it until the answer.

        `to_the_end`: of the request, with its stream, its background tasks and its socket.
        """
        self.lease.hold()
        self.pinned = True
        self._keeps = to_the_end
        self.go = self.lease.run

    def let_go(self) -> None:
        """The chain is through: what comes now, a stream or a socket, keeps no thread while it waits."""
        if self.pinned and not self._keeps:
            self.lease.unhold()

    # -- on the thread --------------------------------------------------------------------------

    def settle(self) -> None:
        """From now on, only this thread will do."""
        if not self.pinned:
            self.go = partial(self.threads.submit_to, cast("PooledThread", current_thread()))
        self._blocks_before = open_transactions()
        self.settled = True

    def share(self, view: View) -> int:
        """The request waits, for the service behind `view` or for other asynchronous code: leave nothing here that
        others would find. Returns how many transactions are open.

        Raises ImproperlyConfigured where others would write into one of them meanwhile.
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
        """The chain's blocks end now. Raises RuntimeError where the service has left a transaction open inside."""
        if self.blocks > self._blocks_before and open_transactions() > self.blocks:
            raise RuntimeError(
                "the service has a transaction open inside one that the middleware or ATOMIC_REQUESTS holds, and that "
                "ends with the answer; end it before (in a socket, before `accept`)"
            )
