"""Passes a service's response back through the middleware."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from starlette.types import Message, Receive, Scope, Send

from gateway.bridge.channel import Channel
from gateway.bridge.django_response import is_endless, streaming_response, whole_response
from gateway.bridge.outgoing import Outgoing, raising
from gateway.bridge.protocols import MiddlewareRun
from gateway.bridge.withheld import Withheld
from gateway.compat.django import has_files
from gateway.dispatch.errors import ClientGone
from gateway.dispatch.scope import ADAPTED
from gateway.legacy.replies import Reply

if TYPE_CHECKING:
    from gateway.threads import Lease

__all__ = ["ServiceResponse"]

DjangoResponse = HttpResponse | StreamingHttpResponse

# Starlette's response when no handler took an exception; then Django handles it.
UNHANDLED = b"Internal Server Error"
AHEAD = 10.0  # seconds that a service may go on after a HEAD was answered


class ServiceResponse:
    """The `send` of one request to a service: turns its messages into the response of a Django view.

    While the service has an open transaction, no response is sent: whether it can be committed decides on the response.
    FastAPI exits `yield` dependencies after the response, so such a response waits until the service returns; a
    streamed one is collected meanwhile.
    """

    def __init__(self, middleware_run: MiddlewareRun, lease: Lease, receive: Receive, send: Send) -> None:
        self._middleware_run = middleware_run
        self._receive = receive
        self._outgoing = Outgoing(middleware_run, lease, send)
        self._start: Message = {}
        self._withheld: Withheld | None = None  # the body so far, while a transaction is open
        self._held: DjangoResponse | None = None  # a complete response that the service may still change
        self._stream: Channel | None = None
        self._pump: asyncio.Task[None] | None = None
        self._complete = False
        self._ahead: float | None = None  # until when the service may go on after its caller was answered

    async def receive(self) -> Message:
        """The `receive` of a service that is called for a HEAD.

        The caller has its complete response before the service ends, and then the server reports a disconnect. The
        service doesn't get that at once: most streams end by themselves, and so run to their end.
        """
        message = await self._receive()
        if self._ahead is not None and message["type"] == "http.disconnect":
            await asyncio.sleep(self._ahead - asyncio.get_running_loop().time())
        return message

    async def send(self, message: Message) -> None:
        """Take one message of the service."""
        kind = message["type"]
        if kind == "http.response.start":
            self._start = message
        elif not self._start:
            raise RuntimeError(f"{kind!r} comes before 'http.response.start'")
        elif kind == "http.response.body" and not self._complete and self._held is None:
            await self._body(message.get("body", b""), more=message.get("more_body", False))

    @property
    def own(self) -> int:
        """The status of the service's own response, 0 without one."""
        return int(self._start["status"]) if self._start else 0

    async def finish(self) -> None:
        """The service has returned."""
        if self._held is not None:
            await self._deliver(self._held, lingers=False)
        elif self._withheld is not None:
            await self.fail(_cut_short())
        elif self._pump is not None and self._stream is not None:
            if not self._complete:
                await self._stream.end(_cut_short())
            await self._pump

    async def fail(self, error: Exception) -> None:
        """The service has raised: the middleware and Django decide on the response."""
        if self._stream is not None and self._pump is not None:
            await self._stream.end(error)
            await self._pump
            if self._ahead is not None:  # the stream was not read, so the error was not raised there
                raise error
        elif self._complete:
            raise error
        else:
            self._complete = True
            held = self._held
            if isinstance(held, HttpResponse) and held.status_code == 500 and held.content != UNHANDLED:
                self._middleware_run.own_error = held
            self._forget()
            await self._outgoing.answer(raising(error), lingers=False)

    async def cut_off(self, error: BaseException) -> None:
        """Discard the rest: the caller is gone."""
        self._forget()
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._pump
        elif self._complete and not isinstance(error, ClientGone):
            raise error

    def _forget(self) -> None:
        if self._withheld is not None:
            self._withheld.close()

    async def _body(self, body: bytes, *, more: bool) -> None:
        if self._stream is not None:
            await self._stream.put(body)
            if not more:
                self._complete = True
                await self._stream.end()
                if self._pump is not None:
                    await self._pump  # the service continues after its response
        elif self._withheld is not None or (more and (self._start["status"] == 500 or self._outgoing.in_transaction)):
            await self._withhold(body, more=more)
        elif more:
            channel = await self._begin_stream()
            await channel.put(body)
        else:
            await self._conclude(whole_response(self._start, body, head=_asks_head(self._middleware_run.scope)))

    async def _withhold(self, body: bytes, *, more: bool) -> None:
        if self._withheld is None:
            self._withheld = Withheld(settings.FILE_UPLOAD_MAX_MEMORY_SIZE)
        withheld = self._withheld
        await withheld.add(body)
        if not more:
            # Also if the transaction has ended meanwhile: Starlette's BaseHTTPMiddleware ends the body of a service
            # that has failed and rolled back as if it were complete, and only then raises.
            self._held = _gathered(self._start, withheld, head=_asks_head(self._middleware_run.scope))
        elif (
            self._start["status"] != 500 and not self._outgoing.in_transaction
        ):  # it has ended in the middle of the response
            await self._begin_stream()

    async def _conclude(self, response: DjangoResponse) -> None:
        """Handle a complete response."""
        if response.status_code == 500 or self._outgoing.in_transaction:
            self._held = response
        else:
            await self._deliver(response, lingers=_may_linger(self._middleware_run))

    async def _deliver(self, response: DjangoResponse, *, lingers: bool) -> None:
        self._complete = True
        self._held = None
        await self._outgoing.answer(self._outgoing.returning(response), lingers=lingers)

    async def _begin_stream(self) -> Channel:
        channel = Channel()
        chunks: AsyncIterable[bytes] = channel if self._withheld is None else self._withheld.chunks(channel)
        self._withheld = None
        view = self._outgoing.returning(streaming_response(self._start, chunks))
        reply = await self._outgoing.through_middleware(view, lingers=True)
        self._stream = channel
        self._pump = asyncio.create_task(self._pump_out(reply, channel))
        return channel

    async def _pump_out(self, reply: Reply, channel: Channel) -> None:
        try:
            await self._outgoing.send(reply)
        except BaseException:
            channel.close()
            raise
        now = asyncio.get_running_loop().time()
        if not self._complete:  # to a HEAD, or another response than the service's
            self._ahead = now if is_endless(self._start) else now + AHEAD
        channel.pass_over(now + AHEAD)  # event streams too: they end on a disconnect


def _gathered(start: Message, withheld: Withheld, *, head: bool) -> DjangoResponse:
    content = withheld.content
    return (
        streaming_response(start, withheld.chunks()) if content is None else whole_response(start, content, head=head)
    )


def _asks_head(scope: Scope) -> bool:
    """Whether the service itself was called with HEAD, so that there is no body to measure."""
    return scope["method"] == "HEAD" and not (ADAPTED in scope and scope[ADAPTED].head_as_get)


def _may_linger(middleware_run: MiddlewareRun) -> bool:
    """Whether the service may use what belongs to this request once it has given a whole answer."""
    return (
        middleware_run.thread.pinned
        or middleware_run.view.lingers
        or has_files(middleware_run.request)
        or not isinstance(middleware_run.body, BytesIO)
    )


def _cut_short() -> RuntimeError:
    return RuntimeError("the service returned in the middle of its answer")
