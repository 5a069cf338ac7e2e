"""Sends copies of requests to the process that mirrors, where that is another one: `gateway mirrors`."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.clock import Clock
from gateway.mirroring.wire import ACCEPTED, DONE, pack

if TYPE_CHECKING:
    from gateway.mirroring.copy import Copy

__all__ = ["Sender"]

logger = logging.getLogger("gateway.parity")

AGAIN = 1.0  # seconds between two looks for a process that is away
ANSWERS = 1.0  # seconds in which it does: the start of the server waits for so long, and then its silence is told
LONGEST_REASON = 200  # bytes


class Sender(asyncio.Protocol):
    """One connection to the Unix socket at `path`, made anew when it is lost. Used on the event loop.

    Nothing is kept for a process that is away, or is slower than copies come: `send` says why it could not.
    `greeting` is what both sides have to have in common; `memory` is how many bytes may wait to be read. `lost` is told
    the route of each copy that was sent and not made, and why, in a word: "away" or "stopped". Of a process that is
    started at the same time, `patience` is how many seconds it may take, of which nothing is told.
    """

    def __init__(
        self,
        path: str,
        greeting: bytes,
        memory: int,
        clock: Clock,
        lost: Callable[[str, str], None],
        patience: float = 0.0,
    ) -> None:
        self._path = path
        self._greeting = greeting
        self._memory = memory
        self._clock = clock
        self._lost = lost
        self._sent: dict[int, tuple[str, int]] = {}  # by number: the route and the bytes of what is not done yet
        self._number = 0
        self._told_done = b""  # a part of a number
        self._transport: asyncio.Transport | None = None
        self._accepted = False
        self._refusal = b""
        self._connecting: asyncio.Task[None] | None = None
        self._again = 0.0  # when to look for it next
        self._patient_until = clock.monotonic() + patience
        self._told = ""  # what was logged last, so that it is logged once
        self._settled = asyncio.Event()
        self._closed = False
        self._patience: asyncio.TimerHandle | None = None  # with a process that has not answered the greeting

    def away(self, now: float) -> bool:
        """Whether nothing can be sent now. Looks for the other process then, if it is time to."""
        if self._accepted:
            return False
        self._look(now)
        return True

    def send(self, copy: Copy, now: float) -> str | None:
        """Send a finished copy. Why that could not be done, in a word; None when it was."""
        if self.away(now) or self._transport is None:
            return "away"
        self._number = (self._number + 1) % 2**32
        frame = pack(copy, self._number)
        if frame is None:
            return "size"
        if self._transport.get_write_buffer_size() + len(frame) > self._memory:
            return "memory"
        self._transport.write(frame)
        self._sent[self._number] = copy.policy.route, len(frame)
        return None

    async def connect(self) -> None:
        """Look for the other process now, and wait a moment for it."""
        now = self._clock.monotonic()
        self._look(now)
        if now < self._patient_until:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), ANSWERS)

    def close(self) -> None:
        """Leave for good. What the other process has is made; what waits here to be written is lost."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is None:
            return
        unwritten = self._transport.get_write_buffer_size()
        end = self._transport.abort if unwritten else self._transport.close
        if unwritten:  # uvloop would go on writing until its loop comes round
            with socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno())) as same:
                same.shutdown(socket.SHUT_WR)
        while unwritten > 0 and self._sent:
            _, (route, length) = self._sent.popitem()  # the last that was written
            unwritten -= length
            self._lost(route, "stopped")
        self._sent.clear()
        end()

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

    def _rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _failed(self, why: str) -> None:
        self._again = self._clock.monotonic() + AGAIN
        self._settled.set()
        self._tell(why)

    def _tell(self, why: str) -> None:
        if why != self._told and not self._closed and self._clock.monotonic() >= self._patient_until:
            self._told = why
            logger.warning('no mirrors until "gateway mirrors" runs: %s', why)

    # -- the connection -------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Greet."""
        self._transport = transport  # asyncio.Transport; uvloop's are none by inheritance
        self._refusal = b""
        transport.write(self._greeting)
        self._patience = asyncio.get_running_loop().call_later(ANSWERS, self._tell, f"{self._path} does not answer")

    def data_received(self, data: bytes) -> None:
        """The answer to the greeting, or the numbers of what is done."""
        if self._accepted:
            self._note_done(data)
        elif not self._refusal and data[:1] == ACCEPTED:
            self._accepted = True
            self._patient_until = 0.0
            self._rest()
            self._settled.set()
            self._told = ""
            logger.info("mirrors are made by the process at %s", self._path)
        else:
            self._refusal = (self._refusal + data)[:LONGEST_REASON]

    def _note_done(self, data: bytes) -> None:
        data = self._told_done + data
        whole = len(data) - len(data) % DONE.size
        for (number,) in DONE.iter_unpack(data[:whole]):
            self._sent.pop(number, None)
        self._told_done = data[whole:]

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, or did not want us."""
        self._transport = None
        self._accepted = False
        self._rest()
        for route, _ in self._sent.values():
            self._lost(route, "away")
        self._sent.clear()
        self._told_done = b""
        why = self._refusal.decode("utf-8", "replace").strip() or (str(exc) if exc else "it has ended")
        self._failed(f"{self._path}: {why}")
