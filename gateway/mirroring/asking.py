"""One more request to an upstream, on which nobody waits: how it is asked, and what it answered."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope

from gateway.clock import Clock
from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.context.recording import recorder
from gateway.dispatch.bodies import Body
from gateway.dispatch.deadline import is_cancelled
from gateway.dispatch.errors import ClientGone
from gateway.dispatch.malformed import check_start
from gateway.dispatch.scope import ATTEMPT, MIRROR, Attempt
from gateway.mirroring.copy import Copy
from gateway.parity.answer import Answer
from gateway.upstreams.traces import raised

__all__ = ["ask"]

ENDS = 1.0  # seconds that what a mirror would have done after a commit is waited for
PAUSE = 0.002  # seconds between two looks for one


async def ask(
    entry: ASGIApp, scope: Scope, second: Copy, asked: bytes, alone: MirrorScope, clock: Clock, seconds: float
) -> Answer:
    """What the upstream behind `entry` answers to a request with the body `asked`, within so many seconds.

    `scope` is as that upstream is to see the request, `second` keeps its answer, and `alone` is what it has to itself.
    """
    since = clock.monotonic()
    scope[MIRROR] = True
    attempt: Attempt = Attempted()
    scope[ATTEMPT] = attempt
    receive = _once(asked)
    ended = 0.0

    async def send(message: Message) -> None:
        nonlocal ended
        if message["type"] == "http.response.start":
            check_start(message)  # as the server would, for a caller
        second.keep(message)
        if second.over:
            raise ClientGone
        ended = clock.monotonic()

    async def run() -> None:
        with mirror_scope(alone):
            try:
                await entry(scope, receive, send)
            except BaseException as exc:  # from a task, SystemExit would end the server
                if isinstance(exc, Exception | KeyboardInterrupt) or is_cancelled(exc):
                    raise
                raise RuntimeError(f"{type(exc).__name__}: {exc}") from exc

    # In a context of its own: what one mirror leaves there is none of the next one's business.
    context = contextvars.Context()
    context.run(recorder.set, second.recorder)
    failed, error = await _failure(run(), seconds, context)
    error = attempt.error or error
    sql = second.recorder.sql()
    if alone.read_only and sql.written() and not (second.whole and second.status < HTTPStatus.INTERNAL_SERVER_ERROR):
        return Answer(second.status, (), b"", ended - since, sql, barred=True)
    failed = _why_not(second, failed)
    where = "" if error is None else raised(error)
    if failed is not None:
        return Answer(0, (), b"", clock.monotonic() - since, sql, failed, raised=where)
    await _ended(alone)  # which may have more to note
    answer = replace(second.answered(ended - since), raised=where)
    return answer if answer.effects is None else replace(answer, effects=(*answer.effects, *alone.effects))


async def _ended(alone: MirrorScope) -> None:
    """Wait a moment for the thread that rolls its work back, which may be later than its answer."""
    loop = asyncio.get_running_loop()
    until = loop.time() + ENDS
    while alone.transactions and loop.time() < until:  # noqa: ASYNC110 - it ends on another thread
        await asyncio.sleep(PAUSE)


def _why_not(second: Copy, failed: str | None) -> str | None:
    """Why there is nothing to compare; what fails after a whole answer is no caller's affair."""
    if second.over:
        return "too long to be compared"
    if second.whole and second.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return failed if second.whole else failed or "no whole answer"


def _once(body: bytes) -> Receive:
    """A `receive` that gives `body`, and then waits for a client that never leaves."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _failure(
    asking: Coroutine[Any, Any, None], seconds: float, context: contextvars.Context
) -> tuple[str | None, BaseException | None]:
    """Await this in `context`, for so long at most, and say how it failed, if it did, and with what."""
    task = asyncio.get_running_loop().create_task(asking, context=context)
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            await task
    except (Exception, asyncio.CancelledError) as exc:  # whatever it is, it is the mirror's answer
        if is_cancelled(exc):
            raise
        if limit.expired():
            return f"TimeoutError after {seconds:g} s", None
        return f"{type(exc).__name__}: {exc}", exc
    return None, None


class Attempted:
    """What the bridge tells of a mirror: see `Attempt`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.rolled_back = False
        self.own: int | None = None

    def share(self, _body: Body) -> None:
        """Without effect: the body is at hand, however often it is asked for."""
