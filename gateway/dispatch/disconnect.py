"""Detects that the client has disconnected."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive

__all__ = ["until_gone"]


async def until_gone(
    receive: Receive, work: Coroutine[Any, Any, None], *, context: contextvars.Context | None = None
) -> bool:
    """Await `work`, but cancel it when the client disconnects. Returns whether it was completed.

    Only for requests whose body has been read. What `work` raises is raised. It runs in `context`, by default in a copy
    of the current one.
    """
    worker = asyncio.create_task(work, context=context)
    watcher = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait((worker, watcher), return_when=asyncio.FIRST_COMPLETED)
    finally:
        watcher.cancel()
        if not worker.done():
            worker.cancel()
            await asyncio.wait((worker,))
    if worker.cancelled():
        return False
    worker.result()  # raises what the work raised
    return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
