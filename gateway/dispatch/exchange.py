"""One request, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.clock import SYSTEM, Clock
from gateway.dispatch.attempt import ServiceAttempt
from gateway.dispatch.response import Response, ResponseTap
from gateway.rollout.decision import Decision
from gateway.routing.request import RequestInfo
from gateway.routing.table import Match

__all__ = ["Exchange"]


class Exchange:
    """One request, which `entry`, of the upstream that was decided on, answers through `response`.

    `source` is what its body is read from. `since` is when it began, by `clock`. `attempt` is the service's, where one
    is asked. `failed`: the upstream failed, whoever answered then; None when the client left. `fell_back` says why
    legacy answers. `excuse` says, where the service failed or seems to have, who did: MIDDLEWARE, or SHARED, something
    that legacy leans on too. `refused`: for want of a thread. `client_disconnected`: it is known that the client has.
    `scope` is the copy that the upstream got, in which it may have left something.
    """

    # Without __slots__, so that what few requests need is not set for each: a class may have slots or defaults.
    attempt: ServiceAttempt | None = None
    failed: bool | None = False
    fell_back: str | None = None
    excuse: str | None = None
    refused = False
    client_disconnected = False
    copy: ResponseTap | None = None
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
        """Of the answer; 0 while there is none."""
        return self.response.status

    @property
    def seconds(self) -> float:
        """How long the answer took, or has taken so far."""
        until = self.response.until
        return (self.clock.monotonic() if until is None else until) - self.since

    @property
    def gone(self) -> bool:
        """Whether the client is, as far as the service has found, and before it was answered."""
        if self.client_disconnected or self.attempt is None:
            return self.client_disconnected
        answered = self.response.complete or self.response.status == HTTPStatus.SWITCHING_PROTOCOLS
        return self.attempt.body_timed_out or (self.attempt.client_gone and not answered)
