"""Where what serves callers and mirrors alike lets go of a thread: what a mirror has begun there ends before."""

from __future__ import annotations

import asyncio

from gateway.context.mirror_scope import current
from gateway.threads import Lease

__all__ = ["end_mirror_here", "release"]


def end_mirror_here() -> None:
    """Roll back what a mirror, if this is one, has done in databases on this thread."""
    if (scope := current.get()) is not None:
        scope.end_here()


async def release(lease: Lease) -> None:
    """Release `lease`, and before that do the same on its thread, for which a mirror waits.

    Who is cancelled meanwhile waits no more, but keeps no thread.
    """
    scope = current.get()
    if scope is None:
        lease.release()
        return
    if not scope.transactions:
        if lease.begun or lease.waits:  # what still runs there, of a mirror that was given up, may begin one yet
            lease.submit(scope.end_here)
        lease.release()
        return
    ended = lease.submit(scope.end_here)
    lease.release()  # takes effect once the calls so far have run
    await asyncio.shield(asyncio.wrap_future(ended))
