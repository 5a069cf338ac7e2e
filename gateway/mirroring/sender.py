"""Sends copies of requests to the process that makes mirrors, if that is another one: `gateway mirrors`."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.clock import Clock
from gateway.mirroring.absence import Absence
from gateway.mirroring.sent import SentCopies
from gateway.mirroring.wire import ACCEPTED, pack

if TYPE_CHECKING:
    from gateway.mirroring.copy import Copy

__all__ = ["Sender"]

AGAIN = 1.0  # seconds between attempts to connect
ANSWERS = 1.0  # seconds for the reply: the server's start waits for it, and then a warning is logged
LONGEST_REASON = 200  # bytes


class Sender(asyncio.Protocol):
    """One connection to the Unix socket at `path`, opened again when it is lost. Used on the event loop.

    Copies are not kept while the other process is away or too slow: then `send` returns the reason. `greeting` must be
    equal on both sides; at most `memory` bytes wait to be read. `lost` is called for copies that were sent but not
    mirrored (see `SentCopies`); `patience` is that of `Absence`.
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
        self._sent = SentCopies(lost)
        self._absence = Absence(clock, patience)
        self._transport: asyncio.Transport | None = None
        self._accepted = False
        self._refusal = b""
        self._connecting: asyncio.Task[None] | None = None
        self._again = 0.0  # when to connect next
        self._settled = asyncio.Event()
        self._closed = False
        self._patience: asyncio.TimerHandle | None = None  # for the reply to the greeting

    def away(self, now: float) -> bool:
        """Whether nothing can be sent now. Connects again if that is due."""
        if self._accepted:
            return False
        self._look(now)
        return True

    def send(self, copy: Copy, now: float) -> str | None:
        """Send a finished copy. Returns None, or a word for why it could not be sent."""
        if self.away(now) or self._transport is None:
            return "away"
        number = self._sent.next_number()
        frame = pack(copy, number)
        if frame is None:
            return "size"
        if self._transport.get_write_buffer_size() + len(frame) > self._memory:
            return "memory"
        self._transport.write(frame)
        self._sent.add(number, copy.policy.route, len(frame))
        return None

    async def connect(self) -> None:
        """Connect now, and wait for the other process for a moment."""
        self._look(self._clock.monotonic())
        if self._absence.is_expected():
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), ANSWERS)

    def close(self) -> None:
        """Close for good. Copies that the other process has are mirrored; those that wait here are lost."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is None:
            return
        unwritten = self._transport.get_write_buffer_size()
        end = self._transport.abort if unwritten else self._transport.close
        if unwritten:  # uvloop would continue writing until the next iteration of its loop
            with socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno())) as same:
                same.shutdown(socket.SHUT_WR)
        self._sent.stop(unwritten)
        end()

    def _look(self, now: float) -> None:
        if self._closed or self._transport is not None or self._connecting is not None or now < self._again:
            return
        self._settled.clear()
        # In an empty context: the connection must not keep a request's context variables.
        self._connecting = asyncio.get_running_loop().create_task(self._connect(), context=contextvars.Context())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: self, self._path)
        except (OSError, NotImplementedError) as exc:  # the latter on systems without Unix sockets
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
        if not self._closed:
            self._absence.tell(why)

    # -- the connection -------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Send the greeting."""
        self._transport = transport  # an asyncio.Transport, although uvloop's don't inherit from it
        self._refusal = b""
        transport.write(self._greeting)
        self._patience = asyncio.get_running_loop().call_later(ANSWERS, self._tell, f"{self._path} does not answer")

    def data_received(self, data: bytes) -> None:
        """The reply to the greeting, or the numbers of copies that are done."""
        if self._accepted:
            self._sent.note_done(data)
        elif not self._refusal and data[:1] == ACCEPTED:
            self._accepted = True
            self._rest()
            self._settled.set()
            self._absence.end(self._path)
        else:
            self._refusal = (self._refusal + data)[:LONGEST_REASON]

    def connection_lost(self, exc: Exception | None) -> None:
        """The other process has ended, or refused the greeting."""
        self._transport = None
        self._accepted = False
        self._rest()
        self._sent.lose()
        why = self._refusal.decode("utf-8", "replace").strip() or (str(exc) if exc else "it has ended")
        self._failed(f"{self._path}: {why}")
