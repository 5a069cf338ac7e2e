"""Sends a mirror's request to an upstream, and keeps its response."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from contextlib import suppress
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
from gateway.mirroring.answer_tap import AnswerTap
from gateway.parity.answer import Answer
from gateway.upstreams.traces import raised

__all__ = ["ask"]

ENDS = 1.0  # seconds to wait for the effects that a mirror would have had after a commit


async def ask(
    entry: ASGIApp, scope: Scope, second: AnswerTap, asked: bytes, alone: MirrorScope, clock: Clock, seconds: float
) -> Answer:
    """The response of the upstream behind `entry` to a request with the body `asked`, within `seconds`.

    `scope` is what that upstream is to see, `second` keeps the response, and `alone` is the mirror's scope.
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
            check_start(message)  # as the server does for a caller
        second.keep(message)
        if second.over:
            raise ClientGone
        ended = clock.monotonic()

    async def run() -> None:
        with mirror_scope(alone):
            try:
                await entry(scope, receive, send)
            except BaseException as exc:  # in a task, SystemExit would end the server
                if isinstance(exc, Exception | KeyboardInterrupt) or is_cancelled(exc):
                    raise
                raise RuntimeError(f"{type(exc).__name__}: {exc}") from exc

    # In a context of its own, so that no mirror sees what another one has set.
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
    await _ended(alone)  # there may be more effects
    return _completed(second.answered(ended - since), where, alone.effects)


def _completed(answer: Answer, raised: str, effects: list[str]) -> Answer:
    """`answer`, with where the service raised an exception, and what it would have done after a commit."""
    if raised:
        answer = replace(answer, raised=raised)
    if effects and answer.effects is not None:
        answer = replace(answer, effects=(*answer.effects, *effects))
    return answer


async def _ended(alone: MirrorScope) -> None:
    """Wait for the thread that rolls the mirror's work back, which may finish after the response."""
    if not alone.transactions:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(ended.set)

    alone.ended = tell
    if alone.transactions:  # else they ended before `ended` was set
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDS):
                await ended.wait()


def _why_not(second: AnswerTap, failed: str | None) -> str | None:
    """Why there is nothing to compare. A failure after a complete response doesn't count: no caller would notice it."""
    if second.over:
        return "too long to be compared"
    if second.whole and second.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return failed if second.whole else failed or "no whole answer"


def _once(body: bytes) -> Receive:
    """A `receive` that gives `body`, and then waits: the client never disconnects."""
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
    """Await this in `context`, for at most `seconds`. Returns how it failed, in words, and the error; or None for
    both."""
    task = asyncio.get_running_loop().create_task(asking, context=context)
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            await task
    except (Exception, asyncio.CancelledError) as exc:  # any error is the mirror's result
        if is_cancelled(exc):
            raise
        if limit.expired():
            return f"TimeoutError after {seconds:g} s", None
        return f"{type(exc).__name__}: {exc}", exc
    return None, None


class Attempted:
    """Receives the outcome of a mirror from the bridge: see `Attempt`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.rolled_back = False
        self.own: int | None = None

    def share(self, _body: Body) -> None:
        """No effect: the body is in memory anyway."""
