"""The threads of a pool that leases keep."""

from __future__ import annotations

from gateway.threads.thread import Holder, PooledThread

__all__ = ["LeasedThreads"]


class LeasedThreads:
    """How many there are, and those that are `reclaimable`, with the lease of each: they can be taken away.

    Read and call it with the schedule's lock held.
    """

    __slots__ = ("count", "reclaimable")

    def __init__(self) -> None:
        self.count = 0
        self.reclaimable: dict[PooledThread, Holder] = {}

    def give(self, thread: PooledThread, lease: Holder) -> None:
        """Let `lease` keep `thread`, unless another lease does."""
        if thread.lease is None:
            thread.lease, lease.thread = lease, thread
            self.count += 1

    def take(self, thread: PooledThread) -> bool:
        """Take `thread` from the lease that keeps it; it is to be tidied up if it was used. Returns whether one did."""
        lease = thread.lease
        if lease is None:
            return False
        self.reclaimable.pop(thread, None)
        thread.lease = lease.thread = None
        self.count -= 1
        thread.untidy = thread.used
        return True
