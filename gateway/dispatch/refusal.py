"""Responses of the gateway itself."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.rollout.decision import NOBODY, Decision, Unavailable
from gateway.routing.request import BadRequest
from gateway.types import NO_HEADERS, Headers

__all__ = ["answer", "refused"]


async def answer(send: Send, status: int, text: str | None = None, headers: Headers = NO_HEADERS) -> None:
    """Send a plain text response. `text` defaults to the status's phrase."""
    body = (text or HTTPStatus(status).phrase).encode()
    lines = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body, "more_body": False})


DENIAL = "websocket.http.response"  # ASGI's extension to refuse a WebSocket with an HTTP response


def refused(reason: BadRequest | Unavailable) -> tuple[Decision, ASGIApp]:
    """The decision on a request that was not admitted or could not be read, and the application that refuses it."""
    policy = reason.policy if isinstance(reason, Unavailable) else None
    return Decision(NOBODY, str(reason), None if policy is None else policy.route, policy), partial(_refuse, reason)


async def _refuse(reason: BadRequest | Unavailable, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        if DENIAL not in (scope.get("extensions") or ()):
            await send(_closed(reason))
            return
        send = _denying(send)
    if isinstance(reason, Unavailable):  # the reason is for the log, not for callers
        await answer(send, reason.status, headers=[(b"retry-after", b"1")])
    else:
        await answer(send, getattr(reason, "status", 400), str(reason))


def _closed(reason: BadRequest | Unavailable) -> Message:
    """A WebSocket that is closed before it was accepted is an HTTP 403 for the client, whatever the code."""
    if isinstance(reason, Unavailable):
        return {"type": "websocket.close", "code": 1013, "reason": ""}  # try again later
    return {"type": "websocket.close", "code": 1008, "reason": str(reason)}


def _denying(send: Send) -> Send:
    """A `send` for an HTTP response instead of a WebSocket: ASGI's "Websocket Denial Response"."""

    async def deny(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    return deny
