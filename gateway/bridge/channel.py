"""Passes the parts of a body from a service to an iterator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.dispatch.errors import ClientGone

__all__ = ["Channel"]


class Channel:
    """Chunks of a streamed response, from the service to an iterator; each waits for the other."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(1)
        self._closed = False
        self._passed_over: float | None = None  # until when chunks are discarded

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while (item := await self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    async def put(self, chunk: bytes) -> None:
        """Hand over `chunk`. Raises ClientGone when the iteration has ended, unless chunks are to be discarded."""
        if self._passed_over is not None and asyncio.get_running_loop().time() < self._passed_over:
            await asyncio.sleep(0)  # an endless stream must not block the event loop
            return
        if self._closed:
            raise ClientGone
        if chunk:
            await self._queue.put(chunk)

    async def end(self, error: BaseException | None = None) -> None:
        """End the body; the iteration raises `error`, if given."""
        if not self._closed:
            await self._queue.put(error)

    def close(self) -> None:
        """End the iteration: a waiting `put` continues."""
        self._closed = True
        while not self._queue.empty():
            self._queue.get_nowait()

    def pass_over(self, until: float) -> None:
        """Discard further chunks until `until`, since the caller already has its whole response: until then the service
        may send the rest as if it were read."""
        self._passed_over = until
        self.close()
