"""Ends a mirror's transactions before its thread goes back to serving callers."""

from __future__ import annotations

import asyncio

from gateway.context.mirror_scope import current
from gateway.threads import Lease

__all__ = ["end_mirror_here", "release"]


def end_mirror_here() -> None:
    """If this is a mirror, roll back what it has done in databases on this thread."""
    if (scope := current.get()) is not None:
        scope.end_here()


async def release(lease: Lease) -> None:
    """Release `lease`; for a mirror, first roll back on its thread, and wait for that.

    When the caller is cancelled meanwhile, it doesn't wait any longer, and the thread is released.
    """
    scope = current.get()
    if scope is None:
        lease.release()
        return
    if not scope.transactions:
        if lease.begun or lease.waits:  # code of a cancelled mirror may still run there, and begin a transaction
            lease.submit(scope.end_here)
        lease.release()
        return
    ended = lease.submit(scope.end_here)
    lease.release()  # takes effect once the calls so far have run
    await asyncio.shield(asyncio.wrap_future(ended))
