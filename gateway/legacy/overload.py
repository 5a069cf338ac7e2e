"""Requests that arrive while no thread is free: some wait, some use threads in reserve, others are refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from gateway.dispatch.errors import ClientGone
from gateway.dispatch.line import Line, Saturated, Waiting, is_reserved
from gateway.legacy.call import ThreadCall
from gateway.legacy.pools import Pools
from gateway.legacy.replies import Reply
from gateway.threads import Job, Lease

__all__ = ["Overload"]

logger = logging.getLogger("gateway.django")

AnswerOnLease = Callable[[Lease, Scope, Receive, Send], Coroutine[Any, Any, None]]


def nobody_is_told(_: int) -> None:
    """Default where refusals aren't counted."""


class Overload:
    """While no thread of `pools` is free, `queue` requests wait, each for `seconds`. Requests for the paths `reserved`
    and below them may use the threads in reserve. `refused` is called with the status of each request that is
    refused."""

    def __init__(self, pools: Pools, queue: int, seconds: float) -> None:
        self._pools = pools
        self._queue = queue
        self._line = Line(seconds)
        self._async_line = Line(seconds)
        self.reserved: Sequence[str] = ()
        self.refused: Callable[[int], object] = nobody_is_told

    async def reply(self, call: ThreadCall, job: Job, path: str, receive: Receive) -> Reply:
        """The reply to a request that arrived while no thread was free. Raises Saturated when none is free in time."""
        pool = self._pools.views
        if self._may_use_reserve(path) and pool.withdraw(job):
            call.threads = pool = self._pools.reserve
            pool.submit(job)
        elif pool.waiting > self._queue and pool.withdraw(job):
            call.body.close()
            raise self._saturated(f"{self._queue} requests wait for a thread already")

        def refuse() -> None:
            if pool.withdraw(job) and not call.future.done():
                call.body.close()
                call.future.set_exception(self._saturated(f"no thread was free in {self._line.seconds:g} s"))

        waiting = Waiting(lambda: job in pool, refuse)
        self._line.join(waiting)
        try:
            if pool.waiting > pool.size:  # the wait is long enough for two tasks that detect a disconnect
                return await call.reply_unless_gone(receive)
            return await call.future
        finally:
            self._line.leave(waiting)

    def _may_use_reserve(self, path: str) -> bool:
        """Whether `path` may use the threads in reserve, and these aren't overloaded themselves."""
        return self._pools.reserve.waiting < self._pools.reserve.size and is_reserved(path, self.reserved)

    def _saturated(self, message: str) -> Saturated:
        refusal = Saturated(message)
        self.refused(refusal.status)
        return refusal

    async def answer_async(self, answer: AnswerOnLease, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """As `answer`, for a request that arrived while no thread was free.

        Raises Saturated when none is free in time; what it has started without a thread then ends by itself, and its
        messages are dropped.
        """
        pool = self._pools.leases
        if self._may_use_reserve(path):
            pool = self._pools.reserve
        elif self._async_line.length >= self._queue:
            raise self._saturated(f"{self._queue} requests wait for a thread already")
        lease = pool.lease()
        refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def refuse() -> None:
            if lease.waits and not refused.done():
                refused.set_result(None)

        async def send_unless_refused(message: Message) -> None:
            if refused.done():
                raise ClientGone
            await send(message)

        waiting = Waiting(lambda: lease.waits, refuse)
        answering = asyncio.create_task(answer(lease, scope, receive, send_unless_refused))
        self._async_line.join(waiting)
        try:
            await asyncio.wait({answering, refused}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._async_line.leave(waiting)
            if not answering.done():
                answering.add_done_callback(_ended)
                answering.cancel()
        if refused.done() and not answering.done():
            raise self._saturated(f"no thread was free in {self._line.seconds:g} s")
        await answering


def _ended(task: asyncio.Task[None]) -> None:
    """Retrieve the exception of a refused or cancelled request, which asyncio would otherwise log."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.debug("a request that was refused or cancelled has failed", exc_info=error)
