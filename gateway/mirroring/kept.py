"""A request and its answer, kept while the caller is answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import chain

from starlette.types import Message, Receive, Scope

from gateway.context.recording import Recorder
from gateway.dispatch.bodies import Bodies
from gateway.dispatch.replay import ReplayBuffer
from gateway.dispatch.scope import FILES
from gateway.parity.answer import Answer
from gateway.rollout.decision import SAFE
from gateway.routing.request import RequestInfo

__all__ = ["Kept"]


class Kept:
    """One request, and what its caller is answered by `upstream`; of both bodies, `limit` bytes are kept at most.

    `wanted` are the recordings that it is kept for.
    """

    __slots__ = (
        "_kept",
        "_limit",
        "_since",
        "answer",
        "body",
        "headers",
        "info",
        "over",
        "recorder",
        "request_body",
        "scope",
        "size",
        "status",
        "until",
        "upstream",
        "wanted",
        "whole",
    )  # fmt: skip

    def __init__(self, upstream: str, info: RequestInfo, scope: Scope, since: float, limit: int) -> None:
        self.upstream = upstream
        self.info = info
        self.scope = scope
        self.recorder = Recorder()
        self.request_body = b""
        self.size = 0  # bytes that it takes, while it waits
        self._kept: ReplayBuffer | None = None
        self.status = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.body = bytearray()
        self.whole = self.over = False
        self.until = since  # when its caller had been answered
        self.answer: Answer | None = None
        self.wanted: Sequence[object] = ()
        self._limit = limit
        self._since = since

    def receive(self, receive: Receive, bodies: Bodies) -> Receive:
        """`receive`, of which the body is kept, where `bodies` have room."""
        self._kept = ReplayBuffer(receive, self._limit, bodies)
        return self._kept

    def keep(self, message: Message) -> None:
        """Note one message of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = tuple(message.get("headers", ()))
            return
        if message["type"] in FILES:  # there are no bytes to compare
            self.whole = self.over = True
        if message["type"] != "http.response.body":  # a hint before the answer, or trailers after it
            return
        body = message.get("body", b"")
        if not self.over and len(self.body) + len(body) > self._limit:
            self.over = True
            self.body = bytearray()  # a download may take its caller hours
        if not self.over:
            self.body += body
        self.whole = not message.get("more_body", False)

    def finish(self, *, fell_back: bool) -> str | None:
        """The caller has been answered. Why this can't be mirrored, in a word; None when it can."""
        if fell_back or not self.whole or not self.status:
            return "unanswered"  # by the upstream that was to be compared
        if self.status == HTTPStatus.TOO_MANY_REQUESTS or self.recorder.throttled:
            return "throttled"  # mirrors pass throttles
        if self.over or self._kept is None or not self._kept.whole:
            return "size"
        request_body = self._kept.body
        if not self._kept.ended and (self._has_body() or request_body):
            return "unread"
        answer = self.answered(self.until - self._since)
        self.body, self._kept = bytearray(), None
        self.wait(request_body, answer)
        return None

    def wait(self, request_body: bytes, answer: Answer) -> None:
        """It is finished, with these, and waits to be mirrored."""
        self.request_body = request_body
        self.answer = answer
        self.size = len(request_body) + len(answer.body) + _length(self.scope["headers"]) + _length(answer.headers)
        if self.recorder.outbound is not None:
            self.size += self.recorder.outbound.size

    def answered(self, seconds: float) -> Answer:
        """The answer that was noted, which took so long."""
        # Of a HEAD's, the server leaves it out, or a service was asked GET.
        body = b"" if self.info.method == "HEAD" else bytes(self.body)
        headers = tuple((name.lower(), value) for name, value in self.headers)
        sql, effects, rows = self.recorder.sql(), self.recorder.known_effects(), self.recorder.rows()
        return Answer(self.status, headers, body, seconds, sql, effects=effects, rows=rows)

    def _has_body(self) -> bool:
        """Whether there may be one. From HTTP/2 on it needs no header (RFC 9113, section 8.1.1)."""
        headers = self.info.headers
        unsaid = self.scope.get("http_version", "1.1") >= "2" and self.info.method not in SAFE
        return b"transfer-encoding" in headers or headers.get(b"content-length", b"" if unsaid else b"0") != b"0"


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    return sum(map(len, chain.from_iterable(headers)))
