"""A request on its connection, as the direct path sees it (direct.py)."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Awaitable
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.compat.uvicorn import Cycle, complete
from gateway.dispatch.malformed import Malformed, header_line
from gateway.types import NO_HEADERS, Headers

__all__ = ["AnswersRequests", "Connection", "simple_head"]

STATUSES = frozenset(HTTPStatus)
MOST = 2**16  # bytes of a body that is copied, to be written together with its head
# Responses that have no body, whatever their headers say.
BODILESS = frozenset({204, 205, 304})
# Headers that say how the connection goes on.
FRAMING = frozenset({b"connection", b"transfer-encoding", b"upgrade", b"trailer"})


class ServerProtocol(Protocol):
    """The server's protocol: what it has of uvicorn's, and of `HttpTools`."""

    transport: Any
    flow: Any
    loop: AbstractEventLoop

    def start_task(self, cycle: Cycle, app: ASGIApp) -> None:
        """Let `app` answer the request of `cycle`, in a task."""

    def default_lines(self) -> bytes:
        """The headers that the server adds to each response."""


class AnswersRequests(Protocol):
    """What gets requests from the protocol: the direct path."""

    def answer(self, scope: Scope, body: bytes | bytearray, connection: Connection) -> bool:
        """Begin to answer the request of `scope`, whose whole body is `body`. Returns whether it was handed to a thread
        at once; otherwise it takes the usual way."""


class Connection:
    """One request on its connection. Belongs to the event loop.

    A connection has one request at a time (`OneReading`), and writes nothing for one that is over or whose client has
    disconnected. So what is written for a request can reach nobody else.
    """

    __slots__ = ("_app", "_cycle", "_held", "_protocol", "receive")

    def __init__(self, protocol: ServerProtocol, cycle: Cycle) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self._held: tuple[Message, bytes, int] | None = None  # the start of the response, and its `simple_head`
        self.receive: Receive = cycle.receive

    def run(self, app: ASGIApp) -> None:
        """Let `app` answer, in a task, as the server does."""
        self._app = app
        self._protocol.start_task(self._cycle, self)

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        """As an ASGI application: `app`, with the `send` below."""
        try:
            await self._app(scope, receive, self.send)
        finally:
            self._flush()  # an application may have failed after the start, and the server looks whether there was one

    def send(self, message: Message) -> Awaitable[None]:
        """ASGI's `send`: the server's, but a start and a whole body that follows at once are written together.

        A start without a body is written when the event loop has its turn: some clients wait for it.
        """
        held, self._held = self._held, None
        kind = message["type"]
        if held is not None:
            start, head, length = held
            content = message.get("body", b"")
            whole = kind == "http.response.body" and length == len(content) and not message.get("more_body", False)
            if whole and self.write(start["status"], head, content):
                return _done()
            return self._send_both(start, message)
        if kind == "http.response.start" and self._cycle.scope["method"] != "HEAD":
            simple = simple_head(message["status"], message.get("headers", NO_HEADERS))
            if simple is not None and not self._cycle.response_started:
                self._held = message, *simple
                self._protocol.loop.call_soon(self._flush)
                return _done()
        return cast("Awaitable[None]", self._cycle.send(message))

    def _flush(self) -> None:
        """Write the start that is held. While the client takes nothing, it is held until the body comes."""
        if self._held is None or self._protocol.flow.write_paused:
            return
        (start, *_), self._held = self._held, None
        with suppress(StopIteration):  # it waits for nothing now
            self._cycle.send(start).send(None)

    async def _send_both(self, start: Message, message: Message) -> None:
        await self._cycle.send(start)
        await self._cycle.send(message)

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


async def _done() -> None:
    """What `send` returns if nothing is left to do: a coroutine, as from the server's own, since an application may
    make a task of it."""


def simple_head(status: int, lines: Headers) -> tuple[bytes, int] | None:
    """The headers of a response as lines, and its Content-Length. None if the response isn't simple enough to be
    written at once: it must have a body of a known length that isn't long, and leave the connection as it is."""
    names = dict(lines)
    length = names.get(b"content-length", b"")
    if status < 200 or status in BODILESS or not FRAMING.isdisjoint(names) or not length.isdigit():
        return None
    try:
        size = int(length)
        return (b"".join(map(header_line, lines)), size) if size <= MOST else None
    except (Malformed, TypeError, ValueError):
        return None
