"""Between a service that sends a body in parts and whoever iterates over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.dispatch.errors import ClientGone

__all__ = ["Channel"]


class Channel:
    """Chunks of a streamed answer, from the service to whoever iterates over them; one waits for the other."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(1)
        self._closed = False
        self._passed_over: float | None = None  # until when it is

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while (item := await self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    async def put(self, chunk: bytes) -> None:
        """Hand over `chunk`. Raises ClientGone when nobody takes it any more, unless it is to be passed over."""
        if self._passed_over is not None and asyncio.get_running_loop().time() < self._passed_over:
            await asyncio.sleep(0)  # an endless stream must not stop all others
            return
        if self._closed:
            raise ClientGone
        if chunk:
            await self._queue.put(chunk)

    async def end(self, error: BaseException | None = None) -> None:
        """No more chunks will come; the iteration raises `error`."""
        if not self._closed:
            await self._queue.put(error)

    def close(self) -> None:
        """Nobody iterates any more: whoever waits to put goes on."""
        self._closed = True
        while not self._queue.empty():
            self._queue.get_nowait()

    def pass_over(self, until: float) -> None:
        """The caller has all of its answer without what comes now: the service may end as if it were taken, `until`
        then."""
        self._passed_over = until
        self.close()
