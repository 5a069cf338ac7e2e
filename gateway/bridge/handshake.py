"""Passes a WebSocket's handshake back through the middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from starlette.types import Message, Receive, Send

from gateway.bridge.django_response import Raw
from gateway.bridge.protocols import MiddlewareRun
from gateway.dispatch.errors import ClientGone
from gateway.legacy.replies import Reply

if TYPE_CHECKING:
    from gateway.threads import Lease

__all__ = ["Handshake", "deny"]


class Handshake:
    """The `send` of one WebSocket: the middleware's response phase runs when it is accepted or refused.

    While the service has an open transaction, its outcome isn't known: a refusal and a close wait for its end.
    """

    own = 0  # unknown: not distinguished from what the middleware makes of it

    def __init__(self, middleware_run: MiddlewareRun, lease: Lease, receive: Receive, send: Send) -> None:
        self._middleware_run = middleware_run
        self._lease = lease
        self._receive = receive
        self._send = send
        self._held: list[Message] = []
        self._answered = False

    async def send(self, message: Message) -> None:
        """Take one message of the service. Raises ClientGone when the middleware has refused the WebSocket."""
        kind = message["type"]
        ends = kind == "websocket.close" or (kind != "websocket.accept" and not self._answered)
        if self._held or (ends and self._lease.pinned > self._middleware_run.thread.blocks):
            self._held.append(message)
        else:
            await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        if not self._answered:
            self._answered = True
            accepted = message["type"] == "websocket.accept"
            # A close is a 403 (ASGI); or the service refuses it with a response of its own.
            response = HttpResponse(status=101 if accepted else message.get("status", 403))
            reply = await self._middleware_run.response_phase(lambda: response, lingers=True)
            self._middleware_run.thread.let_go()
            if accepted and reply.start["status"] != 101:
                await _refuse(reply, self._send)  # the service has received websocket.connect
                raise ClientGone
            if accepted:
                message = {**message, "headers": [*message.get("headers", ()), *_for_handshake(reply.start)]}
            reply.abandon()
        await self._send(message)

    async def finish(self) -> None:
        """The service has returned."""
        for message in self._held:
            await self._pass_on(message)

    async def fail(self, error: Exception) -> None:
        """The service has raised."""
        raise error

    async def cut_off(self, error: BaseException) -> None:
        """The client has disconnected."""


def _for_handshake(start: Message) -> Raw:
    return [line for line in start["headers"] if not line[0].startswith(b"content-")]


async def deny(reply: Reply, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket that a middleware has answered, by closing it: the server sends a 403."""
    await receive()  # websocket.connect
    await _refuse(reply, send)


async def _refuse(reply: Reply, send: Send) -> None:
    reply.abandon()
    await send({"type": "websocket.close", "code": 1008, "reason": ""})
