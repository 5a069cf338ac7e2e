"""Takes copies of requests from the processes that serve them, in the one that mirrors: `gateway mirrors`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gateway.parity.wire import ACCEPTED, DONE, GREETING, MOST_HEAD, PREFIX, MalformedFrameError, Sent, unpack

__all__ = ["Receiver"]

logger = logging.getLogger("gateway.parity")

OTHER = b"it was started with another configuration or version: restart it\n"


class Receiver:
    """What a Unix server calls for each connection. `deliver` gets what arrives, and what to call when that is mirrored
    or dropped; it raises nothing.

    `greeting` is what both sides have to have in common; `most` the bytes of the longest body that is mirrored.
    """

    def __init__(self, greeting: bytes, deliver: Callable[[Sent, Callable[[], None]], None], most: int) -> None:
        self._greeting = greeting
        self._deliver = deliver
        self._most = most
        self._told = False
        self._connections: dict[asyncio.StreamWriter, Connection] = {}

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take from one process until it leaves."""
        # By another descriptor: that it can't be told what is done, as it has ended, must not end what reads its last.
        answers = socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno()))
        answers.setblocking(False)
        taking = asyncio.ensure_future(self._take(reader, writer, answers))
        self._connections[writer] = Connection(taking, answers)
        try:
            await asyncio.wait([taking])
            if not taking.cancelled():  # by `stop`: what was taken is still to be done
                taking.result()
        except (EOFError, ConnectionError):
            pass  # it has left
        except MalformedFrameError as exc:
            logger.warning("a process that serves sent what is no copy of a request, and is cut off: %s", exc)
        finally:
            if not taking.cancelled():
                self._leave(writer)

    def stop(self) -> None:
        """Take no more. What was taken can still be said to be done."""
        for connection in self._connections.values():
            connection.taking.cancel()

    def close(self) -> None:
        """Leave all of them."""
        for writer in [*self._connections]:
            self._leave(writer)

    def _leave(self, writer: asyncio.StreamWriter) -> None:
        if connection := self._connections.pop(writer, None):
            connection.answers.close()
        writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: socket.socket) -> None:
        if await reader.readexactly(GREETING) != self._greeting:
            if not self._told:  # it looks again each second
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
            self._deliver(sent, partial(_say_done, answers, number))


@dataclass(frozen=True, slots=True)
class Connection:
    """One process that serves: what reads from it, and by what it is told what is done."""

    taking: asyncio.Task[None]
    answers: socket.socket


def _say_done(answers: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # whoever sent it has ended
        answers.send(DONE.pack(number))
