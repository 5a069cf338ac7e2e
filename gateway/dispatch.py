"""Hand a request to the upstream that was decided on, and watch what comes back.

Whatever an upstream does, the caller gets an answer or a closed connection, never a traceback: an upstream
that fails before its first byte is answered for, by legacy where the route allows it; one that fails later is cut off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from gateway.clock import SYSTEM, Clock
from gateway.config import FallbackConfig
from gateway.rollout.decision import LEGACY, SAFE, Decision
from gateway.rollout.health import Health
from gateway.rollout.plan import Plan
from gateway.routing.facts import Facts
from gateway.routing.table import Match
from gateway.upstreams.base import ATTEMPT, FILES, ClientGone, UpstreamError
from gateway.upstreams.deadline import Deadlines, is_cancelled
from gateway.upstreams.kept import Kept
from gateway.upstreams.malformed import check_start

__all__ = ["Outcome", "answer", "conclude", "dispatch", "dispatch_service", "fall_back", "fit"]

logger = logging.getLogger("gateway")

Header = tuple[bytes, bytes]
Headers = list[Header]


Failure = tuple[int, BaseException]  # the status to answer with, and what went wrong
NO_HEADERS: Headers = []
# As plain numbers: a comparison with a member of HTTPStatus takes longer.
METHOD_NOT_ALLOWED = 405
ERROR = 500  # and above
HELD = 2**20  # bytes of an answer that may turn out not to be one; Django's page for DEBUG has hundreds of KB
FAILURES = frozenset({502, 503, 504})  # how a service says that it, or what is behind it, is not there


class Keeper(Protocol):
    """What looks at an answer on its way."""

    def keep(self, message: Message) -> None:
        """Note one message of the upstream's."""


class Outcome:
    """One request and what became of it; its `send` is what the upstream answers through.

    `extra` are headers for the answer. `allowed` gives the methods that services serve on this path, to be
    joined with those an upstream names in `Allow`. `since` is when it began, by `clock`, and `until` when it was
    answered: what the upstream does after that keeps nobody waiting.
    `failed`: the upstream failed, whoever answered then; None when the client left. `fell_back` says why legacy did.
    `copy` is kept of the answer as the upstream gave it, where it is to be compared.

    Where a service is asked, it waits among `deadlines` for its answer to begin, and reads the request through
    `receive`. `error` and `undone` are as in `Attempt`; `left`: the client did; `late`: it was cancelled for not having
    begun.
    """

    # Without __slots__, so that what few requests need is not set for each: a class may have slots or defaults.
    extra: Headers = NO_HEADERS
    status = 0  # of the answer; 0 while there is none
    complete = False
    until: float | None = None
    headless = False  # the service was asked GET for a HEAD: its body stays here
    failed: bool | None = False
    fell_back: str | None = None
    copy: Keeper | None = None
    deadlines: Deadlines | None = None
    tentative = False  # an answer that looks like an error is not sent yet
    kept: Kept | None = None  # what the service has read, once it reads
    failure: Failure | None = None
    error: Exception | None = None
    undone = False
    late = False
    left = False
    stalled = False  # the client stopped sending: as good as gone, though it can be answered
    _receive: Receive
    _held: list[Message] | None = None
    _limit = 0  # of the body that is kept, in bytes
    _size = 0
    _again = False  # legacy sends, after a fallback

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
        self.clock = clock
        self.since = clock.monotonic()
        self._send = send
        self._allowed = allowed

    def begin(self, receive: Receive, deadlines: Deadlines, fallback: FallbackConfig | None) -> None:
        """A service is asked; where there is a `fallback`, legacy may answer instead."""
        self._receive = receive
        if fallback is not None:
            self._limit = fallback.max_body
            self.tentative = self.facts.method != "WEBSOCKET"
        self.deadlines = deadlines
        deadlines.begin(self)

    def send(self, message: Message) -> Awaitable[None]:
        """Take one message of the upstream's answer and send it on.

        Not a coroutine function of its own: a frame less for every message. An application may send the
        same message again and again, so it is copied, not changed.

        What a service raises may become an answer with status 500 before it is known here. So where legacy may answer
        instead, an answer that says of itself that it is an error waits, until `release` or `discard`.
        """
        kind = message["type"]
        if self.fell_back is not None and not self._again:
            raise ClientGone  # a task that the service left behind
        if self.tentative and (self._held is not None or (kind == "http.response.start" and _is_error(message))):
            return self._hold(message)
        if self.copy is not None:
            self.copy.keep(message)
        if kind == "http.response.body":
            if not message.get("more_body", False):
                self.complete = True
                self.until = self.clock.monotonic()
            if self.headless:
                message = {"type": kind, "body": b"", "more_body": not self.complete}
        elif kind == "http.response.start":
            if self.deadlines is not None:
                self.deadlines.met(self)
            self.status = status = message["status"]
            headers = [*message.get("headers", ()), *self.extra]
            if status == METHOD_NOT_ALLOWED or self.facts.method == "OPTIONS":
                headers = self._joined(headers, status)
            message = {**message, "headers": headers}
        else:
            message = self._of_socket(kind, message) if kind.startswith("websocket.") else self._of_extension(message)
        return self._send(message)

    def _of_extension(self, message: Message) -> Message:
        """A hint before the answer, trailers after it, or a file instead of its body, as it is sent on."""
        if message["type"] not in FILES:
            return message
        if not message.get("more_body", False):
            self.complete = True
            self.until = self.clock.monotonic()
        return {"type": "http.response.body", "more_body": not self.complete} if self.headless else message

    @property
    def seconds(self) -> float:
        """How long the answer took, or has taken so far."""
        return (self.clock.monotonic() if self.until is None else self.until) - self.since

    def send_again(self, message: Message) -> Awaitable[None]:
        """As `send`, for legacy, which answers in the place of a service that may still have `send`."""
        self._again = True
        try:
            return self.send(message)
        finally:
            self._again = False

    @property
    def sender(self) -> Send:
        """What the upstream that is to answer now answers through."""
        return self.send if self.fell_back is None else self.send_again

    def receive(self) -> Awaitable[Message]:
        """What a service reads the request through. Few read one that has no body, so it is kept from the first
        message on."""
        if self.kept is None:
            self.kept = Kept(self._receive, self._limit)
            if b"content-length" in self.facts.headers or b"transfer-encoding" in self.facts.headers:
                self.kept.when_read = self._begin_again
        return self.kept()

    def _begin_again(self) -> None:
        """What the caller took to send a part of the body is not the service's time."""
        if self.deadlines is not None:
            self.deadlines.again(self)

    @property
    def gone(self) -> bool:
        """Whether the client is, as far as the service has found, and before it was answered."""
        answered = self.complete or self.status == HTTPStatus.SWITCHING_PROTOCOLS
        return self.left or self.stalled or (self.kept is not None and self.kept.gone and not answered)

    def again(self) -> Receive | None:
        """A `receive` that gives all of the request again; None when it isn't remembered."""
        if self.kept is None:
            return self._receive
        return self.kept.again() if self.kept.whole else None

    def _of_socket(self, kind: str, message: Message) -> Message:
        """One message of a socket, as it is sent on."""
        if self.deadlines is not None:
            self.deadlines.met(self)
        if kind == "websocket.accept":
            self.status = HTTPStatus.SWITCHING_PROTOCOLS
            return {**message, "headers": [*message.get("headers", ()), *self.extra]}
        if kind == "websocket.http.response.start":  # refused, with an answer of the service's own
            self.status = message["status"]
            return {**message, "headers": [*message.get("headers", ()), *self.extra]}
        if kind == "websocket.close" or (kind == "websocket.http.response.body" and not message.get("more_body")):
            self.status = self.status or HTTPStatus.FORBIDDEN
            self.complete = True
        return message

    # -- an answer that may be no answer --------------------------------------------------------

    async def _hold(self, message: Message) -> None:
        if self._held is None:
            self._held = []
            if self.deadlines is not None:
                self.deadlines.met(self)
        self._held.append(message)
        self._size += len(message.get("body", b""))
        if self._size > HELD:  # too long to be kept
            await self.release()

    @property
    def held(self) -> int:
        """The status of the answer that waits; 0 when there is none."""
        return self._held[0]["status"] if self._held else 0

    async def release(self) -> None:
        """Send what waits, if anything does."""
        held = self._held or ()
        self.discard()
        for message in held:
            await self.send(message)

    def discard(self) -> None:
        """Forget what waits: another upstream is asked."""
        self._held = None
        self.tentative = False

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


def _is_error(start: Message) -> bool:
    """Whether an answer says of itself that it is one. Raises Malformed when it can't be sent at all."""
    check_start(start)
    return bool(start["status"] >= ERROR)


async def dispatch(entry: ASGIApp, match: Match | None, outcome: Outcome, scope: Scope, receive: Receive) -> None:
    """Let an upstream answer through its `entry`. `scope` is a copy that may be changed.

    Raises what must close the connection.
    """
    outcome.headless = fit(scope, outcome.facts, match, outcome.decision.upstream)
    try:
        await entry(scope, receive, outcome.sender)
    except Exception as exc:  # noqa: BLE001 - it is logged there
        if (failure := _failure(exc, outcome)) is None:
            outcome.failed = None
            return
        outcome.failed = True
        await _make_up_for(outcome, *failure)


class Front(Protocol):
    """What asks services: the gateway."""

    @property
    def health(self) -> Mapping[str, Health]:
        """That of each service."""

    @property
    def deadlines(self) -> Mapping[str, Deadlines]:
        """Those of each service."""

    def prepared(self, scope: Scope, outcome: Outcome) -> Scope:
        """A copy of `scope` for the upstream that was decided on."""

    async def fall_back(self, reason: str, match: Match | None, outcome: Outcome, scope: Scope, again: Receive) -> None:
        """Let legacy answer, or conclude with what there is of the service's answer."""


async def dispatch_service(
    entry: ASGIApp, match: Match | None, outcome: Outcome, plan: Plan, scope: Scope, receive: Receive, front: Front
) -> None:
    """As `dispatch`, for a service: that counts for its health, and it has to begin its answer in time.

    `scope` is the one that `front` prepares for it. When it failed before its first byte, and the request can be made
    again, nothing has been sent, and `front` falls back.
    """
    health = front.health[plan.service]
    ticket = health.begin(outcome.since)
    outcome.failed = None  # until it is known
    again: Receive | None = None
    try:
        reason = await _ask(entry, match, outcome, plan, scope, receive, front)
        if reason is not None or outcome.held or outcome.failure is not None:
            again = outcome.again() if reason and outcome.status == 0 and _repeatable(outcome, plan) else None
            if outcome.gone and outcome.status == 0 and outcome.facts.method != "WEBSOCKET" and not outcome.stalled:
                again = None
                outcome.discard()  # an error sent to nobody would be counted as one
            elif again is None:
                await conclude(outcome)
    finally:
        health.end(outcome.clock.monotonic(), outcome.failed, ticket)
    # The service is done with: however long legacy takes is not in its numbers.
    if again is not None and reason is not None:
        await front.fall_back(reason, match, outcome, scope, again)


async def _ask(
    entry: ASGIApp, match: Match | None, outcome: Outcome, plan: Plan, scope: Scope, receive: Receive, front: Front
) -> str | None:
    """Let the service answer, and say how it failed, if it did."""
    deadlines = front.deadlines[plan.service]
    prepared = front.prepared(scope, outcome)
    outcome.headless = fit(prepared, outcome.facts, match, plan.service)
    prepared[ATTEMPT] = outcome
    outcome.begin(receive, deadlines, plan.fallback)
    try:
        await entry(prepared, outcome.receive, outcome.send)
    except (Exception, SystemExit, asyncio.CancelledError) as exc:
        outcome.late = isinstance(exc, asyncio.CancelledError) and deadlines.passed(outcome)
        if is_cancelled(exc):
            raise
        outcome.failure = None if outcome.late else _failure(exc, outcome)
    if 0 < outcome.status < ERROR and not (deadlines.late or outcome.late or outcome.failure or outcome.error):
        outcome.failed = None if outcome.gone else False
        return None
    reason = _reason(outcome, plan, deadlines)
    outcome.failed = None if outcome.gone else reason is not None
    return reason


def _repeatable(outcome: Outcome, plan: Plan) -> bool:
    """Whether asking somebody else does nothing twice."""
    return outcome.facts.method in SAFE or (outcome.undone and plan.fallback is not None and plan.fallback.unsafe)


async def conclude(outcome: Outcome) -> None:
    """Let the caller have what there is of the service's answer. Raises what must close the connection."""
    await outcome.release()
    if outcome.failure is not None:
        await _make_up_for(outcome, *outcome.failure)


async def fall_back(
    reason: str, entry: ASGIApp, match: Match | None, outcome: Outcome, scope: Scope, receive: Receive
) -> None:
    """Let legacy answer, through its `entry`, for a service that failed for `reason`. As `dispatch` else."""
    logger.warning("%s: %s; legacy answers", outcome.facts, reason)
    outcome.discard()
    outcome.fell_back = reason
    await dispatch(entry, match, outcome, scope, receive)
    outcome.failed = True  # the service did


def _reason(outcome: Outcome, plan: Plan, deadlines: Deadlines) -> str | None:
    """In words, how the service failed; None when it didn't."""
    late = deadlines.passed(outcome) or outcome.late
    if late and outcome.status == 0 and outcome.kept is not None and outcome.kept.waits:
        outcome.stalled = True
        outcome.failure = 408, TimeoutError("its caller did not send the body in time")
        return None
    if late and not outcome.complete:
        outcome.failure = 504, TimeoutError(f"it did not begin its answer in {deadlines.seconds:g} seconds")
    error = outcome.failure[1] if outcome.failure is not None else outcome.error
    status = outcome.held or outcome.status
    if outcome.failure is None and 0 < status < ERROR:
        error = None  # what it raised was such an answer: Http404, PermissionDenied, DRF's ValidationError
    if isinstance(error, UpstreamError) and error.status < ERROR:
        return None  # the caller's doing: the service was not asked
    if error is not None:
        return f"service {plan.service!r} failed: {type(error).__name__}: {error}"
    if not status:
        return f"service {plan.service!r} gave no answer"
    if status in (plan.fallback.statuses if plan.fallback is not None else FAILURES):
        return f"service {plan.service!r} answered {status}"
    return None


def fit(scope: Scope, facts: Facts, match: Match | None, upstream: str) -> bool:
    """Make of `scope` what the upstream is to see. True when a service is asked GET for a HEAD."""
    if facts.underscored:  # in CGI's notation X_A passes for X-A; Django drops them too
        scope["headers"] = [line for line in scope["headers"] if b"_" not in line[0]]
    if match is not None:
        scope["gateway.match"] = match
        if match.head_as_get and facts.method == "HEAD" and upstream != LEGACY:
            scope["method"] = "GET"
            return True
    return False


def _failure(error: BaseException, outcome: Outcome) -> Failure | None:
    """What is to be made of what an upstream raised; None when nobody waits for an answer."""
    if isinstance(error, ClientGone | ClientDisconnect):  # the latter from a service that was reading a body
        outcome.left = True
        return None
    if isinstance(error, WebSocketDisconnect):  # from a socket, which ends so unless the service catches it
        outcome.left = True
        return (500, error) if outcome.status == 0 else None
    if isinstance(error, UpstreamError):
        logger.warning("%s: %s", outcome.facts, error)
        return error.status, error
    logger.error("%s: upstream %r failed", outcome.facts, outcome.decision.upstream, exc_info=error)
    return 500, error


async def _make_up_for(outcome: Outcome, status: int, error: BaseException) -> None:
    """Answer with `status` where the upstream did not answer at all."""
    if outcome.complete:
        return
    if outcome.status == 0:
        if outcome.facts.method == "WEBSOCKET":
            await outcome.sender({"type": "websocket.close", "code": 1011})
        else:
            await answer(outcome.sender, status)
    else:
        raise error  # half an answer: the server closes the connection, so that it can't pass for a whole one


async def answer(send: Send, status: int, text: str | None = None, headers: Headers = NO_HEADERS) -> None:
    """A plain text answer of the gateway's own. `text` defaults to the status's phrase."""
    body = (text or HTTPStatus(status).phrase).encode()
    lines = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body, "more_body": False})
