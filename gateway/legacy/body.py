"""Passes a response's body from a thread to the event loop, and limits how long a thread waits for a slow client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from typing import Any

from starlette.types import Send

from gateway.dispatch.errors import ClientGone

__all__ = ["BLOCK", "Pipe"]

logger = logging.getLogger("gateway")

BLOCK = 2**18  # bytes sent in one message
STALL = 60.0  # seconds within which a client must receive one block, if a thread waits for that


class Pipe:
    """Bytes from a thread to the event loop; the thread waits while `limit` of them are unsent.

    Chunks that arrive faster than they are sent are joined, so a generator of many small ones costs few messages, and
    the first byte of a slow one is sent at once. A client that receives no block within `patience` seconds while the
    thread waits is disconnected: one that stops reading must not block the thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int = BLOCK, *, patience: float = STALL) -> None:
        self._loop = loop
        self._limit = limit
        self._patience = patience
        self._sent = 0  # blocks
        self._drainer: asyncio.Task[Any] | None = None
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._notified = False
        self._ended = False
        self._broken = False
        self._error: BaseException | None = None
        self._room = threading.Condition()
        self._news = asyncio.Event()

    # -- on the thread --------------------------------------------------------------------------

    def put(self, chunk: bytes) -> None:
        """Hand over `chunk`, waiting for room. Raises ClientGone when nothing reads from the pipe any more."""
        if not chunk:
            return
        with self._room:
            if self._size >= self._limit:
                self._await_room()
            if self._broken:
                raise ClientGone
            self._chunks.append(chunk)
            self._size += len(chunk)
            self._notify()

    def _await_room(self) -> None:
        sent = self._sent
        while not self._room.wait_for(lambda: self._size < self._limit or self._broken, self._patience):
            if self._sent == sent:
                self._broken = True
                with contextlib.suppress(RuntimeError):  # the event loop is closed, and so is the connection
                    self._loop.call_soon_threadsafe(self._cut_off)
                return
            sent = self._sent

    def end(self, error: BaseException | None = None) -> None:
        """End the body. `drain` raises `error`, if given, after sending what was put before."""
        with self._room:
            self._ended = True
            self._error = error
            self._notify()

    def _notify(self) -> None:
        if not self._notified:
            self._notified = True
            self._loop.call_soon_threadsafe(self._news.set)

    # -- on the event loop ----------------------------------------------------------------------

    def break_off(self) -> None:
        """Stop reading: `put` raises from now on. No effect after the end."""
        with self._room:
            self._broken = True
            self._room.notify_all()

    def _take(self) -> tuple[bytes, bool]:
        with self._room:
            data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            self._chunks.clear()
            self._size = 0
            self._notified = False
            self._news.clear()
            self._room.notify_all()
            return data, self._ended

    def _cut_off(self) -> None:
        logger.warning("cut off a client that took nothing of its answer for %g seconds", self._patience)
        if self._drainer is not None:
            self._drainer.cancel()

    async def drain(self, send: Send) -> None:
        """Send chunks as they come, until `end`; raises the error that `end` was given.

        The current task is cancelled when the client is disconnected; raises ClientGone when it already was.
        """
        self._drainer = asyncio.current_task()
        if self._broken:
            raise ClientGone
        ended = False
        while not ended:
            await self._news.wait()
            data, ended = self._take()
            for position in range(0, len(data), BLOCK):
                block = data[position : position + BLOCK]
                await send({"type": "http.response.body", "body": block, "more_body": True})
                self._sent += 1
        if self._error is not None:
            raise self._error
