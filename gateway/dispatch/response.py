"""Passes a response on from the upstream to the caller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Protocol

from starlette.types import Message, Send

from gateway.clock import Clock
from gateway.dispatch.errors import ClientGone
from gateway.dispatch.malformed import check_start
from gateway.dispatch.scope import FILES
from gateway.routing.request import RequestInfo
from gateway.types import CLOSE, ERROR, NO_HEADERS, Headers

__all__ = ["Response", "ResponseTap"]

# As plain numbers: a comparison with a member of HTTPStatus takes longer.
METHOD_NOT_ALLOWED = 405
MOST_BUFFERED = 2**20  # bytes of an error response that is held back; Django's page for DEBUG has hundreds of KB


class ResponseTap(Protocol):
    """Observes a response on its way to the caller."""

    def keep(self, message: Message) -> None:
        """Take note of one message of the upstream."""


class Response:
    """The response to the request of `info`; the upstream calls its `send`.

    `extra` are headers to add. `allowed` gives the methods that services serve on this path, to be merged into an
    upstream's `Allow`. `until` is when the response was complete, by `clock`, which may be before the upstream returns.
    `tap` gets the messages as the upstream sent them; `on_start` is called when the response starts.
    """

    # Without __slots__: rarely used attributes are defaults of the class, so that they need not be set each time.
    extra: Headers = NO_HEADERS
    status = 0  # 0 before it starts
    complete = False
    until: float | None = None
    head_only = False  # the service was called with GET for a HEAD: its body is not sent
    tap: ResponseTap | None = None
    on_start: Callable[[], None] | None = None
    buffering = False  # error responses are held back
    _buffered: list[Message] | None = None
    size = 0  # bytes of body so far
    _size = 0
    _replaced = False  # another upstream answers instead
    _replacing = False  # its message is being sent

    def __init__(self, info: RequestInfo, send: Send, allowed: Callable[[str], set[str]], clock: Clock) -> None:
        self._info = info
        self._send = send
        self._allowed = allowed
        self._clock = clock

    def send(self, message: Message) -> Awaitable[None]:
        """Take one message of the upstream's response and send it on.

        A plain function that returns an awaitable: that saves a frame for every message. An application may send the
        same message object again, so it is copied, not changed.

        An exception in a service may reach this as a response with status 500. So where legacy may answer instead, a
        response whose status is an error is held back until `flush` or `drop`.
        """
        kind = message["type"]
        if self._replaced and not self._replacing:
            raise ClientGone  # from a task that the service left running
        if self.buffering and (self._buffered is not None or (kind == "http.response.start" and _is_error(message))):
            return self._buffer(message)
        if self.tap is not None:
            self.tap.keep(message)
        if kind == "http.response.body":
            if not message.get("more_body", False):
                self.complete = True
                self.until = self._clock.monotonic()
            if self.head_only:
                message = {"type": kind, "body": b"", "more_body": not self.complete}
            self.size += len(message.get("body", b""))
        elif kind == "http.response.start":
            if self.on_start is not None:
                self.on_start()
            self.status = status = message["status"]
            headers = [*message.get("headers", ()), *self.extra]
            if status == METHOD_NOT_ALLOWED or self._info.method == "OPTIONS":
                headers = self._with_allow(headers, status)
            message = {**message, "headers": headers}
        else:
            message = self._of_socket(kind, message) if kind.startswith("websocket.") else self._of_extension(message)
        return self._send(message)

    def replace(self) -> None:
        """From now on another upstream answers, through `sender`. A response that is held back is dropped."""
        self.drop()
        self._replaced = True

    def send_instead(self, message: Message) -> Awaitable[None]:
        """As `send`, for legacy, which answers instead of a service that may still call `send`."""
        self._replacing = True
        try:
            return self.send(message)
        finally:
            self._replacing = False

    @property
    def sender(self) -> Send:
        """The `send` for the upstream that answers now."""
        return self.send_instead if self._replaced else self.send

    def _of_extension(self, message: Message) -> Message:
        """Early hints, trailers, or a file to be sent instead of a body, as passed on."""
        if message["type"] not in FILES:
            return message
        if not message.get("more_body", False):
            self.complete = True
            self.until = self._clock.monotonic()
        return {"type": "http.response.body", "more_body": not self.complete} if self.head_only else message

    def _of_socket(self, kind: str, message: Message) -> Message:
        """One message of a WebSocket, as passed on."""
        if self.on_start is not None:
            self.on_start()
        if kind == "websocket.accept":
            self.status = HTTPStatus.SWITCHING_PROTOCOLS
            extra = [line for line in self.extra if line is not CLOSE]  # the handshake has its own
            return {**message, "headers": [*message.get("headers", ()), *extra]}
        if kind == "websocket.http.response.start":  # refused, with an HTTP response of the service
            self.status = message["status"]
            return {**message, "headers": [*message.get("headers", ()), *self.extra]}
        if kind == "websocket.close" or (kind == "websocket.http.response.body" and not message.get("more_body")):
            self.status = self.status or HTTPStatus.FORBIDDEN
            self.complete = True
        return message

    # -- error responses that are held back -----------------------------------------------------

    async def _buffer(self, message: Message) -> None:
        if self._buffered is None:
            self._buffered = []
            if self.on_start is not None:
                self.on_start()
        self._buffered.append(message)
        self._size += len(message.get("body", b""))
        if self._size > MOST_BUFFERED:
            await self.flush()

    @property
    def buffered(self) -> int:
        """The status of the response that is held back; 0 when there is none."""
        return self._buffered[0]["status"] if self._buffered else 0

    async def flush(self) -> None:
        """Send the response that is held back, if there is one."""
        buffered = self._buffered or ()
        self.drop()
        for message in buffered:
            await self.send(message)

    def drop(self) -> None:
        """Discard the response that is held back."""
        self._buffered = None
        self.buffering = False

    def _with_allow(self, headers: Headers, status: int) -> Headers:
        """`headers` with the union of both sides' methods in Allow."""
        served = self._allowed(self._info.path)
        named = [value for name, value in headers if name.lower() == b"allow"]
        if not served or not (named or status == METHOD_NOT_ALLOWED):
            return headers
        listed = [method.strip() for value in named for method in value.decode("latin-1").split(",")]
        union = dict.fromkeys([method for method in listed if method] + sorted(served))
        others = [(name, value) for name, value in headers if name.lower() != b"allow"]
        return [*others, (b"allow", ", ".join(union).encode("latin-1"))]


def _is_error(start: Message) -> bool:
    """Whether the response's status is an error. Raises Malformed when it can't be sent at all."""
    check_start(start)
    return bool(start["status"] >= ERROR)
