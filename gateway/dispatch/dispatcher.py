"""Calls the upstream that was decided on, and handles its failures.

Whatever an upstream does, the caller gets a response or a closed connection, never a traceback. When an upstream fails
before its first byte, another response is sent: legacy's, where the route allows it, or an error. When it fails later,
the connection is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope
from starlette.websockets import WebSocketDisconnect

from gateway.dispatch.attempt import ServiceAttempt
from gateway.dispatch.bodies import Bodies
from gateway.dispatch.deadline import Deadlines, must_pass
from gateway.dispatch.errors import ClientGone, Overloaded, UpstreamError
from gateway.dispatch.exchange import Exchange
from gateway.dispatch.line import Saturated
from gateway.dispatch.refusal import answer
from gateway.dispatch.scope import ATTEMPT, adapt_scope
from gateway.dispatch.scope_factory import ScopeFactory
from gateway.dispatch.suspicion import is_suspicious
from gateway.rollout.breaker import CircuitBreaker
from gateway.rollout.decision import SAFE, with_fallback
from gateway.rollout.policy import RoutePolicy
from gateway.stats.throttled_warnings import ThrottledWarnings
from gateway.types import ERROR, NO_HEADERS, Failure

__all__ = ["Dispatcher", "flush_failure", "send_error"]

logger = logging.getLogger("gateway")
throttled = ThrottledWarnings(logger)

INTERNAL_SERVER_ERROR = 500  # a plain number: a comparison with a member of HTTPStatus takes longer
FAILURES = frozenset({502, 503, 504})  # the service, or a server behind it, is unavailable
# Values of Exchange.excuse: what failed, where it wasn't the service.
MIDDLEWARE, SHARED = "middleware", "shared"


class LegacyFallback(Protocol):
    """What the dispatcher needs of the project to fall back to it."""

    @property
    def entry(self) -> ASGIApp:
        """The ASGI application to call."""

    def knows(self, path: str) -> bool | None:
        """Whether its URLconf has `path`; None when it can't be asked."""

    async def unreachable_stores(self) -> str | None:
        """Which databases or caches that both sides use can't be reached, in words; None when all can. Never raises."""


class Dispatcher:
    """Calls the upstream that was decided on, and its fallback.

    A service's outcome counts for its circuit breaker, and its response must start before a deadline. When it fails
    before its first byte and the request can be repeated, legacy answers, if the route has a fallback and `falls_back`
    is true. Users' tests set it to false, since they test what a service does when it fails.
    """

    def __init__(
        self,
        legacy: LegacyFallback,
        bodies: Bodies,
        breakers: Mapping[str, CircuitBreaker],
        deadlines: Mapping[str, Deadlines],
        scope_factory: ScopeFactory,
    ) -> None:
        self.legacy = legacy
        self.bodies = bodies
        self.breakers = breakers
        self.deadlines = deadlines
        self.scope_factory = scope_factory
        self.falls_back = True

    def dispatch(self, exchange: Exchange, scope: Scope) -> Awaitable[None]:
        """Answer the request. What it raises must close the connection.

        A plain function that returns an awaitable: that saves a frame for every request.
        """
        policy = exchange.decision.policy
        if policy is None or exchange.decision.upstream not in self.breakers:
            return self.answer(
                exchange, exchange.entry, self.scope_factory.for_upstream(scope, exchange), exchange.source
            )
        return self._answer_by_service(exchange, policy, scope)

    async def answer(self, exchange: Exchange, entry: ASGIApp, scope: Scope, receive: Receive) -> None:
        """Call an upstream's `entry`. `scope` is a copy that may be changed."""
        response = exchange.response
        response.head_only = adapt_scope(scope, exchange.info, exchange.match, exchange.decision.upstream)
        try:
            await entry(scope, receive, response.sender)
        except BaseException as exc:
            if must_pass(exc):
                raise
            if (failure := _failure(exc, exchange)) is None:
                exchange.failed = None
                return
            exchange.failed = True
            await send_error(exchange, *failure)

    async def _answer_by_service(self, exchange: Exchange, policy: RoutePolicy, scope: Scope) -> None:
        breaker = self.breakers[policy.service]
        token = breaker.acquire(exchange.since)
        exchange.failed = None  # not known yet
        deadlines = self.deadlines[policy.service]
        attempt = ServiceAttempt(exchange.info, exchange.source, self.bodies, deadlines, policy.fallback)
        exchange.attempt = attempt
        again: Receive | None = None
        try:
            reason = await self._ask(exchange, attempt, policy, scope)
            if reason is not None or exchange.response.buffered or attempt.failure is not None:
                if reason and exchange.status == 0 and _repeatable(exchange, attempt, policy):
                    again = attempt.replay()
                if _left_unanswered(exchange, attempt):
                    again = None
                    exchange.response.drop()  # an error that nobody receives would be counted
                elif again is None:
                    await self._flush_and_judge(exchange, attempt)
        finally:
            breaker.release()  # now: the time that legacy takes doesn't count for the service
            if again is None:
                breaker.record(exchange.clock.monotonic(), exchange.failed, token)
        if again is not None and reason is not None:
            try:
                await self._fall_back(reason, exchange, attempt, scope, again)
                if exchange.fell_back is None:
                    await self._judge(exchange, attempt)
            finally:
                breaker.record(exchange.clock.monotonic(), exchange.failed, token)

    async def _ask(self, exchange: Exchange, attempt: ServiceAttempt, policy: RoutePolicy, scope: Scope) -> str | None:
        """Call the service. Returns how it failed, in words, or None."""
        response = exchange.response
        adapted = self.scope_factory.for_upstream(scope, exchange)
        response.head_only = adapt_scope(adapted, exchange.info, exchange.match, policy.service)
        response.buffering = policy.fallback is not None and exchange.info.method != "WEBSOCKET"
        response.on_start = partial(attempt.deadlines.disarm, attempt)
        adapted[ATTEMPT] = attempt
        try:
            await exchange.entry(adapted, attempt.receive, response.send)
        except BaseException as exc:
            attempt.timed_out = isinstance(exc, asyncio.CancelledError) and attempt.expired
            if must_pass(exc):
                raise
            attempt.failure = None if attempt.timed_out else _failure(exc, exchange)
        if 0 < response.status < ERROR and not (
            attempt.deadlines.late or attempt.timed_out or attempt.failure or attempt.error
        ):
            exchange.failed = None if exchange.gone else False
            return None
        reason = _reason(exchange, attempt, policy)
        exchange.failed = None if exchange.gone or exchange.excuse else reason is not None
        return reason

    async def _flush_and_judge(self, exchange: Exchange, attempt: ServiceAttempt) -> None:
        try:
            await flush_failure(exchange, attempt)
        finally:
            await self._judge(exchange, attempt)

    async def _judge(self, exchange: Exchange, attempt: ServiceAttempt) -> None:
        """Find out whether a failure is the service's own, or that of a store that legacy uses too.

        There is no second response to compare with, so only stores that can't be reached count as proof. They are
        tested only after errors that may come from one.
        """
        if exchange.failed and attempt.by_middleware:
            exchange.excuse, exchange.failed = MIDDLEWARE, None
        if not exchange.failed:
            return
        error = attempt.error or (attempt.failure[1] if attempt.failure is not None else None)
        suspicious = is_suspicious(error) or exchange.status in FAILURES
        if suspicious and (unreachable := await self.legacy.unreachable_stores()) is not None:
            exchange.excuse, exchange.failed = SHARED, None
            logger.warning("%s: not the service's failure, as both sides lean on it: %s", exchange.info, unreachable)

    async def _fall_back(
        self, reason: str, exchange: Exchange, attempt: ServiceAttempt, scope: Scope, again: Receive
    ) -> None:
        """Let legacy answer after the service failed for `reason`, if the route allows it and the project has this
        path; else send what there is of the service's response."""
        policy = exchange.decision.policy
        refused = policy is None or policy.fallback is None or not self.falls_back
        if refused or self.legacy.knows(exchange.info.path) is False:
            await flush_failure(exchange, attempt)
            return
        exchange.decision = with_fallback(exchange.decision, reason)
        logger.warning("%s: %s; legacy answers", exchange.info, reason)
        exchange.response.replace()
        exchange.fell_back = reason
        exchange.failed = exchange.refused = False
        answer = self.answer(exchange, self.legacy.entry, self.scope_factory.for_upstream(scope, exchange), again)
        # In the original context, without what the service has set in it: language, URLconf, tenant.
        await asyncio.create_task(answer, context=attempt.context)
        alike = (exchange.failed or exchange.status >= ERROR) and not exchange.refused  # refused: legacy wasn't called
        exchange.failed = True  # the service did
        if alike:  # legacy fails too: the service is not to blame
            exchange.excuse, exchange.failed = SHARED, None


def _left_unanswered(exchange: Exchange, attempt: ServiceAttempt) -> bool:
    """Whether the client disconnected before there was a response."""
    stays = attempt.body_timed_out or exchange.info.method == "WEBSOCKET"
    return exchange.gone and exchange.status == 0 and not stays


def _repeatable(exchange: Exchange, attempt: ServiceAttempt, policy: RoutePolicy) -> bool:
    """Whether the request can be sent to legacy without doing anything twice."""
    return exchange.info.method in SAFE or (
        attempt.rolled_back and policy.fallback is not None and policy.fallback.unsafe
    )


async def flush_failure(exchange: Exchange, attempt: ServiceAttempt) -> None:
    """Send what there is of the service's response, or an error. Raises what must close the connection."""
    await exchange.response.flush()
    if attempt.failure is not None:
        await send_error(exchange, *attempt.failure)


def _reason(exchange: Exchange, attempt: ServiceAttempt, policy: RoutePolicy) -> str | None:
    """How the service failed, in words; None when it didn't."""
    late = attempt.expired or attempt.timed_out
    if late and exchange.status == 0 and attempt.waits_for_body:
        attempt.body_timed_out = True
        attempt.failure = 408, TimeoutError("its caller did not send the body in time")
        return None
    if late and not exchange.response.complete:
        attempt.failure = 504, TimeoutError(f"it did not begin its answer in {attempt.deadlines.seconds:g} seconds")
    error = attempt.failure[1] if attempt.failure is not None else attempt.error
    status = exchange.response.buffered or exchange.status
    if attempt.failure is None and 0 < status < ERROR:
        error = None  # an exception that stands for a response: Http404, PermissionDenied, DRF's ValidationError
    if isinstance(error, UpstreamError) and (error.status < ERROR or isinstance(error, Overloaded)):
        return None  # the caller's fault, or the gateway's: the service was not called
    if status >= ERROR and attempt.by_middleware:
        if attempt.own or status == INTERNAL_SERVER_ERROR:  # the service raised; legacy may succeed
            return f"the project's middleware around service {policy.service!r} failed: {status}"
        exchange.excuse = MIDDLEWARE  # the middleware's own response, for maintenance say: legacy's would be the same
        return None
    if error is not None:
        return f"service {policy.service!r} failed: {type(error).__name__}: {error}"
    if not status:
        return f"service {policy.service!r} gave no answer"
    if status in (policy.fallback.statuses if policy.fallback is not None else FAILURES):
        return f"service {policy.service!r} answered {status}"
    return None


def _failure(error: BaseException, exchange: Exchange) -> Failure | None:
    """The status to answer with, and the error, for what an upstream raised; None when the client is gone."""
    if isinstance(error, ClientGone | ClientDisconnect):  # the latter is raised in a service that reads a body
        exchange.client_disconnected = True
        return None
    if isinstance(error, WebSocketDisconnect):  # how a WebSocket ends when the service doesn't catch it
        exchange.client_disconnected = True
        return (500, error) if exchange.status == 0 else None
    if exchange.gone and _is_of_leaving(error):
        exchange.client_disconnected = True
        logger.debug("%s: the client left", exchange.info, exc_info=error)
        return None
    if isinstance(error, Saturated):
        exchange.refused = True
        throttled.warn(f"{exchange.decision.upstream} is busy", "%s is answered 503: %s", exchange.info, error)
        return error.status, error
    if isinstance(error, UpstreamError):
        logger.warning("%s: %s", exchange.info, error)
        return error.status, error
    logger.error("%s: upstream %r failed", exchange.info, exchange.decision.upstream, exc_info=error)
    return 500, error


def _is_of_leaving(error: BaseException) -> bool:
    """Whether `error` may result from the client's disconnect: servers, Starlette, AnyIO and the bridge each have their
    own.

    Any other exception is a bug in the service, which its authors want to see.
    """
    return type(error).__module__.startswith("anyio") or isinstance(
        error, OSError | RuntimeError | EOFError | asyncio.CancelledError | BaseExceptionGroup
    )


async def send_error(exchange: Exchange, status: int, error: BaseException) -> None:
    """Answer with `status` where the upstream did not answer at all."""
    if exchange.response.complete:
        return
    if exchange.status == 0:
        if exchange.info.method == "WEBSOCKET":
            await exchange.response.sender({"type": "websocket.close", "code": 1011})
        else:
            await answer(exchange.response.sender, status, headers=getattr(error, "headers", NO_HEADERS))
    else:
        raise error  # after a partial response the server closes the connection, so that the client notices
