"""One request and its outcome."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.clock import SYSTEM, Clock
from gateway.dispatch.attempt import ServiceAttempt
from gateway.dispatch.response import Response
from gateway.rollout.decision import Decision
from gateway.routing.request import RequestInfo
from gateway.routing.table import Match

__all__ = ["Exchange"]


class Exchange:
    """One request, answered by `entry` of the upstream that was decided on, through `response`.

    The body is read from `source`. `since` is the start, by `clock`. `attempt` is the call of the service, if there is
    one. `failed`: the upstream failed, whoever answered then; None when the client disconnected. `fell_back` is the
    reason why legacy answers. `excuse` says what failed instead of the service: MIDDLEWARE, or SHARED, a store that
    legacy uses too. `refused`: there was no thread for it. `client_disconnected`: it is known that the client has.
    `scope` is the copy that the upstream got, and may have changed. `copy` is what is kept of request and response, to
    be mirrored or recorded.
    """

    # Without __slots__: rarely used attributes are defaults of the class, so that they need not be set each time.
    attempt: ServiceAttempt | None = None
    failed: bool | None = False
    fell_back: str | None = None
    excuse: str | None = None
    refused = False
    client_disconnected = False
    copy: object = None
    scope: Scope | None = None

    def __init__(
        self,
        info: RequestInfo,
        match: Match | None,
        decision: Decision,
        entry: ASGIApp,
        receive: Receive,
        send: Send,
        allowed: Callable[[str], set[str]],
        clock: Clock = SYSTEM,
    ) -> None:
        self.info = info
        self.match = match
        self.decision = decision
        self.entry = entry
        self.source = receive
        self.response = Response(info, send, allowed, clock)
        self.clock = clock
        self.since = clock.monotonic()

    @property
    def status(self) -> int:
        """The status of the response; 0 before it starts."""
        return self.response.status

    @property
    def seconds(self) -> float:
        """The duration of the response, or the time so far."""
        until = self.response.until
        return (self.clock.monotonic() if until is None else until) - self.since

    @property
    def gone(self) -> bool:
        """Whether the service found, before the response, that the client has disconnected."""
        if self.client_disconnected or self.attempt is None:
            return self.client_disconnected
        answered = self.response.complete or self.response.status == HTTPStatus.SWITCHING_PROTOCOLS
        return self.attempt.body_timed_out or (self.attempt.client_gone and not answered)
