"""Takes a response through the response phase of the middleware, and sends it to the caller."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import transaction
from django.http.response import HttpResponseBase
from starlette.types import Message, Send

from gateway.bridge.protocols import MiddlewareRun
from gateway.dispatch.errors import ClientGone
from gateway.legacy import body as bodies
from gateway.legacy.replies import Reply

if TYPE_CHECKING:
    from gateway.threads import Lease

__all__ = ["Outgoing", "raising"]

logger = logging.getLogger("gateway")


class Outgoing:
    """Takes a response through the response phase of `middleware_run`, and sends the result."""

    __slots__ = ("_lease", "_middleware_run", "_send")

    def __init__(self, middleware_run: MiddlewareRun, lease: Lease, send: Send) -> None:
        self._middleware_run = middleware_run
        self._lease = lease
        self._send = send

    @property
    def in_transaction(self) -> bool:
        """Whether the service still has an open transaction: the exits of `yield` dependencies come last.

        The middleware, on another connection, would also wait for its locks: with SQLite, when it saves a session.
        """
        return self._lease.pinned > self._middleware_run.thread.blocks

    async def answer(self, resume: Callable[[], HttpResponseBase], *, lingers: bool) -> None:
        """Take the response through the middleware, and send the result."""
        await self.send(await self.through_middleware(resume, lingers=lingers))

    async def through_middleware(self, resume: Callable[[], HttpResponseBase], *, lingers: bool) -> Reply:
        """Run the response phase, in which `resume` returns or raises what the view would. `lingers`: the request goes
        on after that."""
        if self._middleware_run.view.sync:
            self._lease.unhold()
        reply = await self._middleware_run.response_phase(resume, lingers=lingers)
        self._middleware_run.thread.let_go()
        return reply

    async def send(self, reply: Reply) -> None:
        """Send the reply to the caller."""
        try:
            await self._send_on(reply.start)
        except BaseException:
            reply.abandon()
            raise
        await reply.send_body(_never, self._send_on)

    async def _send_on(self, message: Message) -> None:
        """Send a message. A client that receives nothing must not keep a thread: as in `Pipe`, it is disconnected."""
        if not self._lease.kept:
            await self._send(message)
            return
        try:
            async with asyncio.timeout(bodies.STALL):
                await self._send(message)
        except TimeoutError:
            logger.warning("cut off a client that took nothing of its answer for %g seconds", bodies.STALL)
            raise ClientGone from None

    def returning(self, response: HttpResponseBase) -> Callable[[], HttpResponseBase]:
        """A function that returns `response` as the view would."""
        view = self._middleware_run.view

        def resume() -> HttpResponseBase:
            if view.undoes and response.status_code >= 400:
                for alias in view.aliases:  # the exception that would have rolled back has become a response
                    transaction.set_rollback(True, using=alias)
            return response

        return resume


async def _never() -> Message:
    """A `receive` for code that watches for a disconnect: the service does that itself."""
    await asyncio.Event().wait()
    raise AssertionError


def raising(error: Exception) -> Callable[[], HttpResponseBase]:
    """A function that raises `error` as the view would."""

    def resume() -> HttpResponseBase:
        raise error

    return resume
