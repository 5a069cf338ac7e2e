"""A request on its connection, as the direct path sees it (direct.py)."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.compat.uvicorn import Cycle, complete

__all__ = ["Connection", "TakesRequests"]

STATUSES = frozenset(HTTPStatus)


class ServerProtocol(Protocol):
    """The server's protocol: what it has of uvicorn's, and of `HttpTools`."""

    transport: Any
    flow: Any

    def start_task(self, cycle: Cycle, app: ASGIApp) -> None:
        """Let `app` answer the request of `cycle`, in a task."""

    def default_lines(self) -> bytes:
        """The headers that the server adds to each response."""


class TakesRequests(Protocol):
    """What may answer a request without a task: the direct path."""

    def take(self, scope: Scope, body: bytes | bytearray, connection: Connection) -> bool:
        """Begin to answer the request of `scope`, whose whole body is `body`. Returns False if it has to take the usual
        way; then nothing has happened to it."""


class Connection:
    """One request on its connection. Belongs to the event loop.

    A connection has one request at a time (`OneReading`), and writes nothing for one that is over or whose client has
    disconnected. So what is written for a request can reach nobody else.
    """

    __slots__ = ("_cycle", "_protocol", "receive", "send")

    def __init__(self, protocol: ServerProtocol, cycle: Cycle) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self.receive: Receive = cycle.receive
        self.send: Send = cycle.send

    def run(self, app: ASGIApp) -> None:
        """Let `app` answer, in a task, as the server does."""
        self._protocol.start_task(self._cycle, app)

    def write(self, status: int, head: bytes, content: bytes) -> bool:
        """Write a whole response: lines of headers, of which one is Content-Length, and the content.

        Returns False, with nothing written, while the client takes none of what was written before.
        """
        protocol, cycle = self._protocol, self._cycle
        if cycle.disconnected:
            return True  # as the server's `send`
        if cycle.response_started or protocol.flow.write_paused:
            return False
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        protocol.transport.write(b"".join((_status_line(status), protocol.default_lines(), head, end, content)))
        complete(cycle)
        return True


@lru_cache(maxsize=128)
def _status_line(status: int) -> bytes:
    """As uvicorn has it."""
    phrase = HTTPStatus(status).phrase if status in STATUSES else ""
    return b"HTTP/1.1 %d %s\r\n" % (status, phrase.encode())
