"""Takes copies of requests from the processes that serve them, in the one that mirrors: `gateway mirrors`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from gateway.parity.sender import ACCEPTED, DONE
from gateway.parity.wire import GREETING, MOST_HEAD, PREFIX, MalformedFrameError, Sent, unpack

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
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take from one process until it leaves."""
        taking = self._connections[writer] = asyncio.ensure_future(self._take(reader, writer))
        try:
            await asyncio.wait([taking])
            if taking.cancelled():
                return  # by `stop`: what was taken is still to be done
            taking.result()
        except (EOFError, ConnectionError):
            pass  # it has left
        except MalformedFrameError as exc:
            logger.warning("a process that serves sent what is no copy of a request, and is cut off: %s", exc)
        del self._connections[writer]
        writer.close()

    def stop(self) -> None:
        """Take no more. What was taken can still be said to be done."""
        for taking in self._connections.values():
            taking.cancel()

    def close(self) -> None:
        """Leave all of them."""
        for writer in self._connections:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(GREETING) != self._greeting:
            logger.warning("a process that serves has another configuration or version: restart both")
            writer.write(OTHER)
            await writer.drain()
            return
        writer.write(ACCEPTED)

        def done() -> None:
            if not writer.is_closing():
                writer.write(DONE)

        while True:
            sizes = PREFIX.unpack(await reader.readexactly(PREFIX.size))
            if sizes[0] > MOST_HEAD or max(sizes[1:]) > self._most:
                raise MalformedFrameError(f"it is too long: {sizes}")
            self._deliver(unpack(*[await reader.readexactly(size) for size in sizes]), done)
