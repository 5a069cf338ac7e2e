"""Hand a request to the upstream that was decided on, and watch what comes back.

Whatever an upstream does, the caller gets an answer or a closed connection, never a traceback: an upstream
that fails before its first byte is answered for, by legacy where the route allows it; one that fails later is cut off.
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
FAILURES = frozenset({502, 503, 504})  # how a service says that it, or what is behind it, is not there
# Who failed, where it wasn't the service.
MIDDLEWARE, SHARED = "middleware", "shared"


class LegacyFallback(Protocol):
    """What the dispatcher needs to know of the project, which may stand in for a service."""

    @property
    def entry(self) -> ASGIApp:
        """What answers."""

    def knows(self, path: str) -> bool | None:
        """Whether its URLconf has `path`; None when it can't be asked."""

    async def unreachable_stores(self) -> str | None:
        """Which stores that both sides lean on can't be reached, in words. Raises nothing."""


class Dispatcher:
    """Lets the upstream that was decided on answer, and sees to what comes of it.

    A service counts for its circuit breaker, and has to begin its answer in time. When it failed before its first byte,
    and the request can be made again, nothing has been sent, and legacy answers, where the route allows it and
    `falls_back` is on: it is off in users' tests, which are about what a service does when it fails.
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
        """Answer the request. Raises what must close the connection.

        Not a coroutine function of its own: a frame less for every request.
        """
        policy = exchange.decision.policy
        if policy is None or exchange.decision.upstream not in self.breakers:
            return self._answer(
                exchange, exchange.entry, self.scope_factory.for_upstream(scope, exchange), exchange.source
            )
        return self._answer_by_service(exchange, policy, scope)

    async def _answer(self, exchange: Exchange, entry: ASGIApp, scope: Scope, receive: Receive) -> None:
        """Let an upstream answer through its `entry`. `scope` is a copy that may be changed."""
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
        exchange.failed = None  # until it is known
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
                    exchange.response.drop()  # an error sent to nobody would be counted as one
                elif again is None:
                    await self._flush_and_judge(exchange, attempt)
        finally:
            breaker.release()  # the service is done with: however long legacy takes is not in its numbers
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
        """Let the service answer, and say how it failed, if it did."""
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
        """Find out whether the service has failed by itself, or with something that legacy leans on too.

        Nobody but the caller asked, so there is nothing to compare with: stores that can't be reached are proof enough,
        and are looked for only where the failure may come from there.
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
        """Let legacy answer for a service that failed for `reason`, where the route allows it and the project has this
        path; else the caller gets what there is of the service's answer."""
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
        answer = self._answer(exchange, self.legacy.entry, self.scope_factory.for_upstream(scope, exchange), again)
        # Without what the first attempt has left in the context: its language, its URLconf, its tenant.
        await asyncio.create_task(answer, context=attempt.context)
        alike = (exchange.failed or exchange.status >= ERROR) and not exchange.refused  # legacy wasn't asked then
        exchange.failed = True  # the service did
        if alike:  # what legacy fails at too says nothing of the service
            exchange.excuse, exchange.failed = SHARED, None


def _left_unanswered(exchange: Exchange, attempt: ServiceAttempt) -> bool:
    """Whether the client left, so that there is nobody to answer."""
    stays = attempt.body_timed_out or exchange.info.method == "WEBSOCKET"
    return exchange.gone and exchange.status == 0 and not stays


def _repeatable(exchange: Exchange, attempt: ServiceAttempt, policy: RoutePolicy) -> bool:
    """Whether asking somebody else does nothing twice."""
    return exchange.info.method in SAFE or (
        attempt.rolled_back and policy.fallback is not None and policy.fallback.unsafe
    )


async def flush_failure(exchange: Exchange, attempt: ServiceAttempt) -> None:
    """Let the caller have what there is of the service's answer. Raises what must close the connection."""
    await exchange.response.flush()
    if attempt.failure is not None:
        await send_error(exchange, *attempt.failure)


def _reason(exchange: Exchange, attempt: ServiceAttempt, policy: RoutePolicy) -> str | None:
    """In words, how the service failed; None when it didn't."""
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
        error = None  # what it raised was such an answer: Http404, PermissionDenied, DRF's ValidationError
    if isinstance(error, UpstreamError) and (error.status < ERROR or isinstance(error, Overloaded)):
        return None  # the caller's doing, or ours: the service was not asked
    if status >= ERROR and attempt.by_middleware:
        if attempt.own or status == INTERNAL_SERVER_ERROR:  # it raised: legacy's may not
            return f"the project's middleware around service {policy.service!r} failed: {status}"
        exchange.excuse = MIDDLEWARE  # its own answer, as for maintenance: legacy's would be the same
        return None
    if error is not None:
        return f"service {policy.service!r} failed: {type(error).__name__}: {error}"
    if not status:
        return f"service {policy.service!r} gave no answer"
    if status in (policy.fallback.statuses if policy.fallback is not None else FAILURES):
        return f"service {policy.service!r} answered {status}"
    return None


def _failure(error: BaseException, exchange: Exchange) -> Failure | None:
    """What is to be made of what an upstream raised; None when nobody waits for an answer."""
    if isinstance(error, ClientGone | ClientDisconnect):  # the latter from a service that was reading a body
        exchange.client_disconnected = True
        return None
    if isinstance(error, WebSocketDisconnect):  # from a socket, which ends so unless the service catches it
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
    """Whether `error` may come of a client's leaving: servers, Starlette, AnyIO and the bridge each have their own.

    What else a service raises then is a mistake of its own, which its authors want to see.
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
        raise error  # half an answer: the server closes the connection, so that it can't pass for a whole one
