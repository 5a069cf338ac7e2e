"""A service's answer on its way back through the middleware."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.db import transaction
from django.http import BadHeaderError, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from starlette.types import Message, Receive, Send

from gateway.bridge.orm import in_django
from gateway.upstreams import body as bodies
from gateway.upstreams.base import ClientGone
from gateway.upstreams.connections import open_blocks
from gateway.upstreams.django import Lent, Streamed, Whole, start_message

if TYPE_CHECKING:
    from gateway.bridge.middleware import Passage
    from gateway.upstreams.threads import Lease

__all__ = ["Answer", "Handshake", "answer_start", "chunks_of", "chunks_of_sync", "deny"]

logger = logging.getLogger("gateway")

Answered = TypeVar("Answered", bound=HttpResponseBase)
Raw = list[tuple[bytes, bytes]]
Reply = Whole | Streamed | Lent

# Starlette answers so when nobody handled an exception; then it is Django's turn to.
UNHANDLED = b"Internal Server Error"


class Answer:
    """The `send` of one request to a service: turns its messages into the response of a Django view."""

    def __init__(self, passage: Passage, lease: Lease, receive: Receive, send: Send) -> None:
        self._passage = passage
        self._lease = lease
        self._receive = receive
        self._send = send
        self._start: Message | None = None
        self._held: HttpResponse | None = None  # an answer that what the service does next may turn into another
        self._stream: Channel | None = None
        self._pump: asyncio.Task[None] | None = None
        self._complete = False

    async def send(self, message: Message) -> None:
        """Take one message of the service."""
        kind = message["type"]
        if kind == "http.response.start":
            self._start = message
        elif self._start is None:
            raise RuntimeError(f"{kind!r} comes before 'http.response.start'")
        elif kind == "http.response.body" and not self._complete:
            await self._body(message.get("body", b""), more=message.get("more_body", False))

    async def finish(self) -> None:
        """The service has returned."""
        if self._held is not None:
            await self._deliver(self._held)
        elif self._pump is not None and self._stream is not None:
            if not self._complete:
                await self._stream.end(RuntimeError("the service returned in the middle of its answer"))
            await self._pump

    async def fail(self, error: Exception) -> None:
        """The service has raised: it is for the middleware and for Django to say what the answer is."""
        if self._stream is not None and self._pump is not None:
            await self._stream.end(error)
            await self._pump
        elif self._complete:
            raise error
        else:
            self._complete = True
            if self._held is not None and self._held.status_code == 500 and self._held.content != UNHANDLED:
                self._passage.own_error = self._held
            await self._reply(await self._leave(_raising(error)))

    async def cut_off(self, error: BaseException) -> None:
        """Nobody waits for the rest."""
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._pump
        elif self._complete and not isinstance(error, ClientGone):
            raise error

    async def _body(self, body: bytes, *, more: bool) -> None:
        if self._stream is not None:
            await self._stream.put(body)
            if not more:
                self._complete = True
                await self._stream.end()
                if self._pump is not None:
                    await self._pump  # so that what the service does next, it does after its answer
        elif more:
            await self._begin_stream(body)
        else:
            response = _whole(self._start or {}, body, head=self._passage.scope["method"] == "HEAD")
            if response.status_code == 500 or await self._in_transaction():
                self._held = response
            else:
                await self._deliver(response)

    async def _in_transaction(self) -> bool:
        """Whether the service has a transaction open still, as the exit of a `yield` dependency comes last.

        Whether it can be committed decides on the answer. And the middleware, on another connection, would
        wait for its locks: a session that is saved, for those of SQLite.
        """
        return self._lease.pinned and await in_django(open_blocks) > self._passage.blocks

    async def _deliver(self, response: HttpResponse) -> None:
        self._complete = True
        self._held = None
        await self._reply(await self._leave(self._returning(response)))

    async def _begin_stream(self, body: bytes) -> None:
        channel = Channel()
        response = _streamed(self._start or {}, channel)
        reply = await self._leave(self._returning(response))
        self._stream = channel
        self._pump = asyncio.create_task(self._pump_out(reply, channel))
        await channel.put(body)

    async def _pump_out(self, reply: Reply, channel: Channel) -> None:
        try:
            await self._reply(reply)
        finally:
            channel.close()

    async def _leave(self, resume: Callable[[], HttpResponseBase]) -> Reply:
        if self._passage.view.sync:
            self._lease.unhold()
        reply = await self._passage.leave(resume)
        self._passage.let_go()
        return reply

    async def _reply(self, reply: Reply) -> None:
        try:
            await self._send_on(reply.start)
        except BaseException:
            reply.abandon()
            raise
        await reply.send_body(_never, self._send_on)

    async def _send_on(self, message: Message) -> None:
        """Send it. A client that takes nothing must not keep a thread, as with `Pipe`: then it is cut off."""
        if not self._lease.kept:
            await self._send(message)
            return
        try:
            async with asyncio.timeout(bodies.STALL):
                await self._send(message)
        except TimeoutError:
            logger.warning("cut off a client that took nothing of its answer for %g seconds", bodies.STALL)
            raise ClientGone from None

    def _returning(self, response: HttpResponseBase) -> Callable[[], HttpResponseBase]:
        view = self._passage.view

        def resume() -> HttpResponseBase:
            if view.undoes and response.status_code >= 400:
                for alias in view.aliases:  # the exception that told so has become an answer
                    transaction.set_rollback(True, using=alias)
            return response

        return resume


async def _never() -> Message:
    """A `receive` for what watches the caller: the service does that itself."""
    await asyncio.Event().wait()
    raise AssertionError


def _raising(error: Exception) -> Callable[[], HttpResponseBase]:
    def resume() -> HttpResponseBase:
        raise error

    return resume


def _whole(start: Message, body: bytes, *, head: bool) -> HttpResponse:
    headers, cookies = _read_headers(start)
    if not head:  # a middleware may change the content; its length is set when it is sent
        declared = headers.pop("Content-Length", None)
        if declared not in (None, str(len(body))) and start.get("status") != HTTPStatus.NOT_MODIFIED:
            raise ValueError(f"the service says that its answer has {declared} bytes, and sent {len(body)}")
    response = HttpResponse(body, status=start.get("status", 200), headers=headers)
    return _with_lines(response, headers, cookies)


def _streamed(start: Message, chunks: AsyncIterable[bytes]) -> StreamingHttpResponse:
    headers, cookies = _read_headers(start)
    response = StreamingHttpResponse(chunks, status=start.get("status", 200), headers=headers)
    return _with_lines(response, headers, cookies)


def _with_lines(response: Answered, headers: Mapping[str, str], cookies: Raw) -> Answered:
    if "Content-Type" not in headers:
        del response.headers["Content-Type"]  # Django's default
    response.raw_cookies = cookies  # type: ignore[attr-defined] # Passage puts them back as they were
    return response


def answer_start(response: HttpResponseBase, method: str) -> Message:
    """`http.response.start` for what came out of the middleware, with the service's cookies and a length."""
    start = start_message(response)
    start["headers"] += getattr(response, "raw_cookies", ())
    if "Content-Length" not in response.headers and not response.streaming and method != "HEAD":
        length = len(cast("HttpResponse", response).content)
        if length or response.status_code not in (204, 304):
            start["headers"].append((b"content-length", str(length).encode()))
    return start


async def chunks_of(response: StreamingHttpResponse) -> AsyncGenerator[bytes]:
    """The chunks of an asynchronous stream."""
    async for chunk in response:
        yield chunk


async def chunks_of_sync(response: StreamingHttpResponse, lease: Lease) -> AsyncGenerator[bytes]:
    """The chunks of a synchronous stream, made on the thread of `lease`."""
    chunks = iter(cast("Any", response))
    while (chunk := await asyncio.wrap_future(lease.submit(next, chunks, None))) is not None:
        yield chunk


@lru_cache(maxsize=1024)
def _title(name: bytes) -> str:
    return name.decode("latin-1").title()


def _read_headers(start: Message) -> tuple[dict[str, str], Raw]:
    """Headers and cookies. Lines of the same name are joined (RFC 9110, section 5.3), but for Set-Cookie."""
    headers: dict[str, str] = {}
    cookies: Raw = []
    for name, value in start.get("headers", ()):
        key = _title(name)
        if key == "Set-Cookie":
            if b"\n" in value or b"\r" in value:  # Django looks for them in all other headers
                raise BadHeaderError("a Set-Cookie header can't contain newlines")
            cookies.append((b"set-cookie", value))
        elif key in headers:
            headers[key] += ", " + value.decode("latin-1")
        else:
            headers[key] = value.decode("latin-1")
    return headers, cookies


class Channel:
    """Chunks of a streamed answer, from the service to whoever iterates over them; one waits for the other."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(1)
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while (item := await self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    async def put(self, chunk: bytes) -> None:
        """Hand over `chunk`. Raises ClientGone when nobody takes it any more."""
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


class Handshake:
    """The `send` of one socket: the middleware's response phase runs when it is accepted or refused."""

    def __init__(self, passage: Passage, lease: Lease, receive: Receive, send: Send) -> None:
        self._passage = passage
        self._lease = lease
        self._receive = receive
        self._send = send
        self._open = False

    async def send(self, message: Message) -> None:
        """Take one message of the service. Raises ClientGone when the middleware has refused the socket."""
        if not self._open:
            self._open = True
            accepted = message["type"] == "websocket.accept"
            reply = await self._passage.leave(lambda: HttpResponse(status=101 if accepted else 403))
            self._passage.let_go()
            if accepted and reply.start["status"] != 101:
                await deny(reply, self._receive, self._send)
                raise ClientGone
            if accepted:
                message = {**message, "headers": [*message.get("headers", ()), *_for_handshake(reply.start)]}
            reply.abandon()
        await self._send(message)

    async def finish(self) -> None:
        """The service has returned."""

    async def fail(self, error: Exception) -> None:
        """The service has raised."""
        raise error

    async def cut_off(self, error: BaseException) -> None:
        """The caller has left."""


def _for_handshake(start: Message) -> Raw:
    return [line for line in start["headers"] if not line[0].startswith(b"content-")]


async def deny(reply: Reply, receive: Receive, send: Send) -> None:
    """Refuse a socket that a middleware has answered, by closing it: the server makes a 403 of that."""
    reply.abandon()
    await receive()  # websocket.connect
    await send({"type": "websocket.close", "code": 1008, "reason": ""})
