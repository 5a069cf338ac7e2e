"""Keeps a copy of a request and of its response."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import chain

from starlette.types import Receive, Scope

from gateway.dispatch.bodies import Bodies
from gateway.dispatch.replay_buffer import ReplayBuffer
from gateway.mirroring.answer_tap import AnswerTap
from gateway.parity.answer import Answer
from gateway.rollout.decision import SAFE
from gateway.routing.request import RequestInfo

__all__ = ["Kept"]


class Kept:
    """One request, and the response of `upstream` to it, kept by `tap`: at most `limit` bytes of each body.

    `wanted` are the recordings that it is kept for.
    """

    __slots__ = (
        "_kept",
        "_limit",
        "_since",
        "answer",
        "info",
        "request_body",
        "scope",
        "size",
        "tap",
        "until",
        "upstream",
        "wanted",
    )  # fmt: skip

    def __init__(self, upstream: str, info: RequestInfo, scope: Scope, since: float, limit: int) -> None:
        self.upstream = upstream
        self.info = info
        self.scope = scope
        self.tap = AnswerTap(info.method, limit)
        self.request_body = b""
        self.size = 0  # in bytes, once it is finished
        self._kept: ReplayBuffer | None = None
        self.until = since  # when the response was complete
        self.answer: Answer | None = None
        self.wanted: Sequence[object] = ()
        self._limit = limit
        self._since = since

    def receive(self, receive: Receive, bodies: Bodies) -> Receive:
        """`receive`, which also keeps the body, if there can be one and `bodies` have room."""
        if self._is_bodiless():
            return receive
        self._kept = ReplayBuffer(receive, self._limit, bodies)
        return self._kept

    def finish(self, *, fell_back: bool) -> str | None:
        """The response was sent. Returns why this can't be mirrored, in a word, or None."""
        reason = self.defect(fell_back=fell_back)
        if reason is None:
            request_body, answer = self.body, self.tap.answered(self.until - self._since)
            self._kept = None
            self.tap.forget_body()
            self.wait(request_body, answer)
        return reason

    def defect(self, *, fell_back: bool) -> str | None:
        """Why this can't be mirrored, in a word, or None; once the response was sent."""
        tap = self.tap
        if fell_back or not tap.whole or not tap.status:
            return "unanswered"  # by the upstream whose response is compared
        if tap.status == HTTPStatus.TOO_MANY_REQUESTS or tap.recorder.throttled:
            return "throttled"  # mirrors skip throttles
        if tap.over or (self._kept is not None and not self._kept.whole):
            return "size"
        if self._kept is not None and not self._kept.ended and (self._has_body() or self._kept.body):
            return "unread"
        return None

    @property
    def body(self) -> bytes:
        """The part of the request's body that was read, before it is finished."""
        return b"" if self._kept is None else self._kept.body

    def wait(self, request_body: bytes, answer: Answer) -> None:
        """Finish it with this request body and response."""
        self.request_body = request_body
        self.answer = answer
        self.size = len(request_body) + len(answer.body) + _length(self.scope["headers"]) + _length(answer.headers)
        if self.tap.recorder.outbound is not None:
            self.size += self.tap.recorder.outbound.size

    def _is_bodiless(self) -> bool:
        """Whether the request is one of those that have none, and declares none (RFC 9112, section 6.3)."""
        if self.info.method not in SAFE or self.scope.get("http_version", "1.1") >= "2":
            return False
        headers = self.info.headers
        return b"content-length" not in headers and b"transfer-encoding" not in headers

    def _has_body(self) -> bool:
        """Whether the request may have a body. From HTTP/2 on it needs no header (RFC 9113, section 8.1.1)."""
        headers = self.info.headers
        unsaid = self.scope.get("http_version", "1.1") >= "2" and self.info.method not in SAFE
        return b"transfer-encoding" in headers or headers.get(b"content-length", b"" if unsaid else b"0") != b"0"


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    return sum(map(len, chain.from_iterable(headers)))
