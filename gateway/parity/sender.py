"""Sends copies of requests to the process that mirrors, where that is another one: `gateway mirrors`."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.clock import Clock
from gateway.parity.wire import pack

if TYPE_CHECKING:
    from gateway.parity.copy import Copy

__all__ = ["ACCEPTED", "DONE", "Sender"]

logger = logging.getLogger("gateway.parity")

ACCEPTED = b"+"  # the other process's answer to a greeting that it knows; anything else says why it doesn't
DONE = b"."  # for each copy that was mirrored or dropped there
AGAIN = 1.0  # seconds between two looks for a process that is away
FIRST = 1.0  # seconds that the start of the server waits for it
LONGEST_REASON = 200  # bytes


class Sender(asyncio.Protocol):
    """One connection to the Unix socket at `path`, made anew when it is lost. Used on the event loop.

    Nothing is kept for a process that is away, or is slower than copies come: `send` says why it could not.
    `greeting` is what both sides have to have in common; `memory` is how many bytes may wait to be read. `lost` is told
    the route of each copy that was sent to a process that ended before it was done with it.
    """

    def __init__(self, path: str, greeting: bytes, memory: int, clock: Clock, lost: Callable[[str], None]) -> None:
        self._path = path
        self._greeting = greeting
        self._memory = memory
        self._clock = clock
        self._lost = lost
        self._sent: deque[str] = deque()  # the routes of what is not done yet, in the order in which it began
        self._transport: asyncio.Transport | None = None
        self._accepted = False
        self._refusal = b""
        self._connecting: asyncio.Task[None] | None = None
        self._again = 0.0  # when to look for it next
        self._told = ""  # what was logged last, so that it is logged once
        self._settled = asyncio.Event()
        self._closed = False

    def full(self, now: float) -> str | None:
        """Why nothing can be sent now, in a word: "away". Looks for the other process, if it is time to."""
        if self._accepted:
            return None
        self._look(now)
        return "away"

    def send(self, copy: Copy, now: float) -> str | None:
        """Send a finished copy. Why that could not be done, in a word; None when it was."""
        if self._transport is None or not self._accepted:
            return self.full(now)
        frame = pack(copy)
        if frame is None:
            return "size"
        if self._transport.get_write_buffer_size() + len(frame) > self._memory:
            return "memory"
        self._transport.write(frame)
        self._sent.append(copy.plan.route)
        return None

    async def connect(self) -> None:
        """Look for the other process now, and wait a moment for it."""
        self._look(self._clock.monotonic())
        try:
            await asyncio.wait_for(self._settled.wait(), FIRST)
        except TimeoutError:
            self._tell(f"{self._path} does not answer")

    def close(self) -> None:
        """Leave for good."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.close()

    def _look(self, now: float) -> None:
        if self._closed or self._transport is not None or self._connecting is not None or now < self._again:
            return
        self._settled.clear()
        # In an empty context: what the caller of a request has there is none of this connection's business.
        self._connecting = asyncio.get_running_loop().create_task(self._connect(), context=contextvars.Context())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: self, self._path)
        except (OSError, NotImplementedError) as exc:  # the latter where there are no such sockets
            self._failed(f"{self._path}: {getattr(exc, 'strerror', None) or str(exc) or 'no Unix sockets here'}")
        finally:
            self._connecting = None

    def _failed(self, why: str) -> None:
        self._again = self._clock.monotonic() + AGAIN
        self._settled.set()
        self._tell(why)

    def _tell(self, why: str) -> None:
        if why != self._told and not self._closed:
            self._told = why
            logger.warning('no mirrors until "gateway mirrors" runs: %s', why)

    # -- the connection -------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Greet."""
        self._transport = transport  # asyncio.Transport; uvloop's are none by inheritance
        self._refusal = b""
        transport.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        """The answer to the greeting, or how many are done."""
        if self._accepted:
            for _ in data[: len(self._sent)]:
                self._sent.popleft()
        elif not self._refusal and data[:1] == ACCEPTED:
            self._accepted = True
            self._settled.set()
            self._told = ""
            logger.info("mirrors are made by the process at %s", self._path)
        else:
            self._refusal = (self._refusal + data)[:LONGEST_REASON]

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, or did not want us."""
        self._transport = None
        self._accepted = False
        while self._sent:
            route = self._sent.popleft()
            if not self._closed:  # it was not left by us, and so does no more
                self._lost(route)
        why = self._refusal.decode("utf-8", "replace").strip() or (str(exc) if exc else "it has ended")
        self._failed(f"{self._path}: {why}")
