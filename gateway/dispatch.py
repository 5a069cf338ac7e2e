"""Hand a request to the upstream that was decided on, and watch what comes back.

Whatever an upstream does, the caller gets an answer or a closed connection, never a traceback: an upstream
that fails before its first byte is answered for, one that fails later is cut off.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from gateway.clock import SYSTEM, Clock
from gateway.rollout.decision import LEGACY, Decision
from gateway.routing.facts import Facts
from gateway.routing.table import Match
from gateway.upstreams.base import ClientGone, UpstreamError

__all__ = ["Outcome", "answer", "dispatch"]

logger = logging.getLogger("gateway")

Header = tuple[bytes, bytes]
Headers = list[Header]


class Outcome:
    """One request and what became of it; its `send` is what the upstream answers through.

    `extra` are headers for the answer. `allowed` gives the methods that services serve on this path, to be
    joined with those an upstream names in `Allow`. `since` is when it began, by `clock`.
    """

    __slots__ = ("_allowed", "_send", "clock", "complete", "decision", "extra", "facts", "headless", "since", "status")

    def __init__(
        self,
        facts: Facts,
        decision: Decision,
        send: Send,
        allowed: Callable[[str], set[str]],
        clock: Clock = SYSTEM,
    ) -> None:
        self.facts = facts
        self.decision = decision
        self.extra: Headers = []
        self.clock = clock
        self.since = clock.monotonic()
        self.status = 0  # of the answer; 0 while there is none
        self.complete = False
        self.headless = False  # the service was asked GET for a HEAD: its body stays here
        self._send = send
        self._allowed = allowed

    def send(self, message: Message) -> Awaitable[None]:
        """Take one message of the upstream's answer and send it on.

        Not a coroutine function of its own: a frame less for every message. An application may send the
        same message again and again, so it is copied, not changed.
        """
        kind = message["type"]
        if kind == "http.response.body":
            if not message.get("more_body", False):
                self.complete = True
            if self.headless:
                message = {"type": kind, "body": b"", "more_body": not self.complete}
        elif kind == "http.response.start":
            self.status = status = message["status"]
            headers = [*message.get("headers", ()), *self.extra]
            if status == HTTPStatus.METHOD_NOT_ALLOWED or self.facts.method == "OPTIONS":
                headers = self._joined(headers, status)
            message = {**message, "headers": headers}
        elif kind == "websocket.accept":
            self.status = HTTPStatus.SWITCHING_PROTOCOLS
            message = {**message, "headers": [*message.get("headers", ()), *self.extra]}
        elif kind == "websocket.http.response.start":  # refused, with an answer of the service's own
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *self.extra]}
        elif kind == "websocket.close" or (kind == "websocket.http.response.body" and not message.get("more_body")):
            self.status = self.status or HTTPStatus.FORBIDDEN
            self.complete = True
        return self._send(message)

    def _joined(self, headers: Headers, status: int) -> Headers:
        """`headers` with the union of both sides' methods in Allow."""
        served = self._allowed(self.facts.path)
        named = [value for name, value in headers if name.lower() == b"allow"]
        if not served or not (named or status == HTTPStatus.METHOD_NOT_ALLOWED):
            return headers
        listed = [method.strip() for value in named for method in value.decode("latin-1").split(",")]
        union = dict.fromkeys([method for method in listed if method] + sorted(served))
        kept = [(name, value) for name, value in headers if name.lower() != b"allow"]
        return [*kept, (b"allow", ", ".join(union).encode("latin-1"))]


async def dispatch(entry: ASGIApp, match: Match | None, outcome: Outcome, scope: Scope, receive: Receive) -> None:
    """Let an upstream answer through its `entry`. `scope` is a copy that may be changed.

    Raises what must close the connection.
    """
    facts = outcome.facts
    if facts.underscored:  # in CGI's notation X_A passes for X-A; Django drops them too
        scope["headers"] = [line for line in scope["headers"] if b"_" not in line[0]]
    if match is not None:
        scope["gateway.match"] = match
    if match is not None and match.head_as_get and facts.method == "HEAD" and outcome.decision.upstream != LEGACY:
        scope["method"] = "GET"
        outcome.headless = True
    try:
        await entry(scope, receive, outcome.send)
    except (ClientGone, ClientDisconnect):  # Starlette's word for it, from a service that was reading a body
        pass
    except WebSocketDisconnect as exc:  # its word for it from a socket, which ends so unless the service catches it
        if outcome.status == 0:
            await _make_up_for(outcome, 500, exc)
    except UpstreamError as exc:
        logger.warning("%s: %s", facts, exc)
        await _make_up_for(outcome, exc.status, exc)
    except Exception as exc:
        logger.exception("%s: upstream %r failed", facts, outcome.decision.upstream)
        await _make_up_for(outcome, 500, exc)


async def _make_up_for(outcome: Outcome, status: int, error: Exception) -> None:
    """Answer with `status` where the upstream did not answer at all."""
    if outcome.complete:
        return
    if outcome.status == 0:
        if outcome.facts.method == "WEBSOCKET":
            await outcome.send({"type": "websocket.close", "code": 1011})
        else:
            await answer(outcome.send, status)
    else:
        raise error  # half an answer: the server closes the connection, so that it can't pass for a whole one


async def answer(send: Send, status: int, text: str | None = None) -> None:
    """A plain text answer of the gateway's own. `text` defaults to the status's phrase."""
    body = (text or HTTPStatus(status).phrase).encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
