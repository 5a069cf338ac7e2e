"""Receives copies of requests from the processes that serve, in the process that mirrors (`gateway mirrors`)."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from functools import partial

from gateway.mirroring.wire import (
    ACCEPTED,
    DONE,
    GREETING,
    MOST_HEAD,
    PREFIX,
    MalformedFrameError,
    ReceivedCopy,
    unpack,
)

__all__ = ["Receiver"]

logger = logging.getLogger("gateway.parity")

OTHER = b"it was started with another configuration or version: restart it\n"


class Receiver:
    """The connection callback of a Unix server. `deliver` is called with each received copy, and with a function to
    call when it was mirrored or dropped; it must not raise.

    `greeting` must be equal on both sides; `most` is the size of the largest body that is mirrored, in bytes.
    """

    def __init__(self, greeting: bytes, deliver: Callable[[ReceivedCopy, Callable[[], None]], None], most: int) -> None:
        self._greeting = greeting
        self._deliver = deliver
        self._most = most
        self._told = False
        self._connections: dict[asyncio.StreamWriter, tuple[asyncio.Task[None], Acknowledgements]] = {}

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Receive from one process until it disconnects."""
        acknowledgements = Acknowledgements(writer.get_extra_info("socket").fileno())
        taking = asyncio.ensure_future(self._take(reader, writer, acknowledgements))
        self._connections[writer] = taking, acknowledgements
        try:
            await asyncio.wait([taking])
            if not taking.cancelled():  # cancelled by `stop`: received copies are still to be mirrored
                taking.result()
        except (EOFError, ConnectionError):
            pass  # it has disconnected
        except MalformedFrameError as exc:
            logger.warning("a process that serves sent what is no copy of a request, and is cut off: %s", exc)
        finally:
            if not taking.cancelled():
                self._leave(writer)

    def stop(self) -> None:
        """Receive no more. Received copies are still reported when done."""
        for taking, _ in self._connections.values():
            taking.cancel()

    def close(self) -> None:
        """Disconnect from all processes."""
        for writer in [*self._connections]:
            self._leave(writer)

    def _leave(self, writer: asyncio.StreamWriter) -> None:
        _, acknowledgements = self._connections.pop(writer)
        acknowledgements.close()
        writer.close()

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, acknowledgements: Acknowledgements
    ) -> None:
        if await reader.readexactly(GREETING) != self._greeting:
            if not self._told:  # once only: the other process connects again each second
                logger.warning("a process that serves has another configuration or version: restart both")
            self._told = True
            writer.write(OTHER)
            await writer.drain()
            return
        writer.write(ACCEPTED)
        await writer.drain()
        self._told = False
        while True:
            number, *sizes = PREFIX.unpack(await reader.readexactly(PREFIX.size))
            if sizes[0] > MOST_HEAD or max(sizes[1:]) > self._most:
                raise MalformedFrameError(f"it is too long: {sizes}")
            sent = unpack(*[await reader.readexactly(size) for size in sizes])
            self._deliver(sent, partial(acknowledgements.acknowledge, number))


class Acknowledgements:
    """Reports to the process at the other end of a socket which of its copies are done.

    With a duplicate of the descriptor: an error in writing, after that process has ended, must not prevent reading what
    it has sent before.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._socket.setblocking(False)
        self._unsaid = bytearray()
        self._waits = False  # until the other process reads

    def acknowledge(self, number: int) -> None:
        """Report this copy as done."""
        self._unsaid += DONE.pack(number)
        if not self._waits:
            self._say()

    def _say(self) -> None:
        try:
            del self._unsaid[: self._socket.send(self._unsaid)]
        except BlockingIOError:
            pass
        except OSError:  # the other process has ended
            self._unsaid.clear()
        if bool(self._unsaid) == self._waits:
            return
        self._waits = not self._waits
        if self._waits:
            asyncio.get_running_loop().add_writer(self._socket, self._say)
        else:
            asyncio.get_running_loop().remove_writer(self._socket)

    def close(self) -> None:
        """Stop reporting."""
        if self._waits:
            asyncio.get_running_loop().remove_writer(self._socket)
        self._waits = True
        self._socket.close()
