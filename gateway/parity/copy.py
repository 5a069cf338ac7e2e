"""A copy of one request and of its answer, kept while the caller is answered, to be mirrored after that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus

from starlette.types import Message, Receive, Scope

from gateway.parity.answer import Answer
from gateway.parity.recording import Recorder
from gateway.rollout.decision import SAFE
from gateway.rollout.plan import Plan
from gateway.routing.facts import Facts
from gateway.routing.table import Match
from gateway.upstreams.base import FILES
from gateway.upstreams.kept import Kept

__all__ = ["Copy"]


class Copy:
    """One request that is to be mirrored, and what its caller is answered by `upstream`.

    `done` is called when it was mirrored or dropped.
    """

    __slots__ = ("_kept", "_limit", "_since", "answer", "asked", "body", "done", "facts", "headers", "match", "over",
                 "plan", "recorder", "scope", "size", "status", "until", "upstream", "whole")  # fmt: skip

    def __init__(self, upstream: str, plan: Plan, match: Match, facts: Facts, scope: Scope, since: float) -> None:
        self.plan = plan
        self.upstream = upstream
        self.match = match
        self.facts = facts
        self.scope = scope
        self.recorder = Recorder()
        self.asked = b""  # the body of the request
        self.size = 0  # bytes that it takes, while it waits
        self._kept: Kept | None = None
        self.status = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.body = bytearray()
        self.whole = self.over = False
        self.until = since  # when its caller had been answered
        self.answer: Answer | None = None
        self.done: Callable[[], None] | None = None
        self._limit = plan.mirror.max_body
        self._since = since

    def receive(self, receive: Receive) -> Receive:
        """`receive`, of which the body is kept."""
        self._kept = Kept(receive, self._limit)
        return self._kept

    @property
    def template(self) -> str:
        """What differences are grouped by: "GET /api/products/{id}/"."""
        return f"{self.facts.method} {self.match.template}"

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
        asked = self._kept.body
        if not self._kept.ended and (self._has_body() or asked):
            return "unread"
        answer = self.answered(self.until - self._since)
        self.body, self._kept = bytearray(), None
        self.wait(asked, answer)
        return None

    def wait(self, asked: bytes, answer: Answer) -> None:
        """It is finished, with these, and waits to be mirrored."""
        self.asked = asked
        self.answer = answer
        self.size = len(asked) + len(answer.body) + _length(self.scope["headers"]) + _length(answer.headers)

    def answered(self, seconds: float) -> Answer:
        """The answer that was noted, which took so long."""
        # Of a HEAD's, the server leaves it out, or a service was asked GET.
        body = b"" if self.facts.method == "HEAD" else bytes(self.body)
        headers = tuple((name.lower(), value) for name, value in self.headers)
        return Answer(self.status, headers, body, seconds, self.recorder.sql())

    def _has_body(self) -> bool:
        """Whether there may be one. From HTTP/2 on it needs no header (RFC 9113, section 8.1.1)."""
        headers = self.facts.headers
        unsaid = self.scope.get("http_version", "1.1") >= "2" and self.facts.method not in SAFE
        return b"transfer-encoding" in headers or headers.get(b"content-length", b"" if unsaid else b"0") != b"0"


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)
