"""Hand a request to the upstream that was decided on, and watch what comes back.

Whatever an upstream does, the caller gets an answer or a closed connection, never a traceback: an upstream
that fails before its first byte is answered for, by legacy where the route allows it; one that fails later is cut off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Protocol, cast

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from gateway.clock import SYSTEM, Clock
from gateway.rollout.decision import LEGACY, SAFE, Decision
from gateway.rollout.plan import Plan
from gateway.routing.facts import Facts
from gateway.routing.table import Match
from gateway.upstreams.base import ATTEMPT, ClientGone, UpstreamError
from gateway.upstreams.deadline import Deadline, Deadlines
from gateway.upstreams.kept import Kept

__all__ = ["Outcome", "answer", "conclude", "dispatch", "dispatch_service", "fall_back", "fit"]

logger = logging.getLogger("gateway")

Header = tuple[bytes, bytes]
Headers = list[Header]


Failure = tuple[int, Exception]  # the status to answer with, and what went wrong
NO_HEADERS: Headers = []
HELD = 2**20  # bytes of an answer that may turn out not to be one; Django's page for DEBUG has hundreds of KB
FAILURES = frozenset({502, 503, 504})  # how a service says that it, or what is behind it, is not there


class Keeper(Protocol):
    """What looks at an answer on its way."""

    def keep(self, message: Message) -> None:
        """Note one message of the upstream's."""


class Outcome:
    """One request and what became of it; its `send` is what the upstream answers through.

    `extra` are headers for the answer. `allowed` gives the methods that services serve on this path, to be
    joined with those an upstream names in `Allow`. `since` is when it began, by `clock`.
    `failed`: the upstream failed, whoever answered then; None when the client left. `fell_back` says why legacy did.
    `copy` is kept of the answer as the upstream gave it, where it is to be compared.
    """

    __slots__ = (
        "_allowed",
        "_held",
        "_holding",
        "_send",
        "_size",
        "clock",
        "complete",
        "copy",
        "deadline",
        "decision",
        "error",
        "extra",
        "facts",
        "failed",
        "failure",
        "fell_back",
        "headless",
        "left",
        "since",
        "status",
        "undone",
    )

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
        self.failed: bool | None = False
        self.failure: Failure | None = None
        self.error: Exception | None = None  # as `Attempt`
        self.undone = False
        self.left = False  # the client, before the answer was complete
        self.fell_back: str | None = None
        self.deadline: Deadline | None = None
        self.copy: Keeper | None = None
        self._send = send
        self._allowed = allowed
        self._holding = False
        self._held: list[Message] = []
        self._size = 0

    def send(self, message: Message) -> Awaitable[None]:
        """Take one message of the upstream's answer and send it on.

        Not a coroutine function of its own: a frame less for every message. An application may send the
        same message again and again, so it is copied, not changed.
        """
        kind = message["type"]
        if self.copy is not None:
            self.copy.keep(message)
        if kind == "http.response.body":
            if not message.get("more_body", False):
                self.complete = True
            if self.headless:
                message = {"type": kind, "body": b"", "more_body": not self.complete}
        elif kind == "http.response.start":
            if self.deadline is not None:
                self.deadline.met()
            self.status = status = message["status"]
            headers = [*message.get("headers", ()), *self.extra]
            if status == HTTPStatus.METHOD_NOT_ALLOWED or self.facts.method == "OPTIONS":
                headers = self._joined(headers, status)
            message = {**message, "headers": headers}
        else:
            message = self._of_socket(kind, message)
        return self._send(message)

    def _of_socket(self, kind: str, message: Message) -> Message:
        """One message of a socket, as it is sent on."""
        if self.deadline is not None:
            self.deadline.met()
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

    def send_or_hold(self, message: Message) -> Awaitable[None]:
        """As `send`, but an answer that says of itself that it is an error waits, until `release` or `discard`.

        What a service raises may become an answer with status 500 before it is known here.
        """
        if message["type"] == "http.response.start":
            self._holding = message["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR
        return self._hold(message) if self._holding else self.send(message)

    async def _hold(self, message: Message) -> None:
        if self.deadline is not None:
            self.deadline.met()
        self._held.append(message)
        self._size += len(message.get("body", b""))
        if self._size > HELD:  # too long to be kept
            await self.release()

    @property
    def held(self) -> int:
        """The status of the answer that waits; 0 when there is none."""
        status: int = self._held[0]["status"] if self._holding else 0
        return status

    async def release(self) -> None:
        """Send what waits, if anything does."""
        held, self._held = self._held, []
        self._holding = False
        for message in held:
            await self.send(message)

    def discard(self) -> None:
        """Forget what waits: another upstream is asked."""
        self._held = []
        self._holding = False

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
    outcome.headless = fit(scope, outcome.facts, match, outcome.decision.upstream)
    try:
        await entry(scope, receive, outcome.send)
    except Exception as exc:  # noqa: BLE001 - it is logged there
        if (failure := _failure(exc, outcome)) is None:
            outcome.failed = None
            return
        outcome.failed = True
        await _make_up_for(outcome, *failure)


async def dispatch_service(
    entry: ASGIApp, match: Match | None, outcome: Outcome, scope: Scope, kept: Kept, deadlines: Deadlines
) -> str | None:
    """As `dispatch`, for a service that has to begin its answer in time, and for which legacy may answer.

    Returns None once there is an answer. When the service failed before its first byte, and the request can be made
    again, nothing has been sent: this says why, and `fall_back` or `conclude` has to follow.
    """
    plan = cast("Plan", outcome.decision.plan)
    outcome.headless = fit(scope, outcome.facts, match, outcome.decision.upstream)
    scope[ATTEMPT] = outcome
    outcome.deadline = deadlines.begin()
    may_hold = plan.fallback is not None and outcome.facts.method != "WEBSOCKET"
    try:
        await entry(scope, kept, outcome.send_or_hold if may_hold else outcome.send)
    except asyncio.CancelledError:
        if not outcome.deadline.passed():
            raise
    except Exception as exc:  # noqa: BLE001 - it is logged there
        outcome.failure = _failure(exc, outcome)
    if outcome.deadline.passed() and outcome.status == 0:
        outcome.failure = 504, TimeoutError(f"it did not begin its answer in {deadlines.seconds:g} seconds")
    reason = _reason(outcome, plan)
    outcome.failed = None if outcome.left or kept.gone else reason is not None
    if reason is None and not outcome.held:
        return None
    undone = outcome.undone and plan.fallback is not None and plan.fallback.unsafe
    if outcome.failed and outcome.status == 0 and kept.whole and (outcome.facts.method in SAFE or undone):
        return reason
    await conclude(outcome)
    return None


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


def _reason(outcome: Outcome, plan: Plan) -> str | None:
    """In words, how the service failed; None when it didn't."""
    error = outcome.failure[1] if outcome.failure is not None else outcome.error
    status = outcome.held or outcome.status
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


def _failure(error: Exception, outcome: Outcome) -> Failure | None:
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
