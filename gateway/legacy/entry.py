"""Hands requests to Django: to a pooled thread if the view is synchronous, else to Django's ASGI handler."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import cast

from asgiref.sync import ThreadSensitiveContext
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.context.ending import release
from gateway.dispatch.bodies import Bodies
from gateway.legacy.call import DirectCall, LegacyCall
from gateway.legacy.handlers import WSGIApp
from gateway.legacy.overload import Overload
from gateway.legacy.pools import Pools
from gateway.legacy.project import Project
from gateway.legacy.replies import Reply, send_reply
from gateway.legacy.static import Static
from gateway.stats.traffic import ROUTE, STATIC
from gateway.threads import Lease
from gateway.upstreams.lifespan import Lifespan

__all__ = ["DjangoEntry"]


class DjangoEntry:
    """The Django project as an ASGI application. `most` is the maximum size of a request's body, in bytes.

    `project` is the project as loaded, `static` its static files, if they are served here.
    """

    static: Static | None = None

    def __init__(
        self,
        project: Project,
        pools: Pools,
        overload: Overload,
        bodies: Bodies,
        most: int | None,
        lifespan: Lifespan | None,
    ) -> None:
        self.project = project
        self._pools = pools
        self._overload = overload
        self._bodies = bodies
        self._most = most
        self._lifespan = lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, or serve a WebSocket if the project's ASGI application does."""
        if scope["type"] != "http":
            await self._enter(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if self.static is not None and (found := self.static.find(path)) is not None:
            scope[ROUTE] = STATIC
            await self.static.answer(found, scope, receive, send)
        elif self.project.sync is not None and not (self.project.views and self.project.views.answer(path)):
            await self._answer(self.project.sync, path, scope, receive, send)
        elif self._pools.leases.saturated:
            await self._overload.answer_async(self._answer_async, path, scope, receive, send)
        else:
            await self._answer_async(self._pools.leases.lease(), scope, receive, send)

    async def _answer(self, application: WSGIApp, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        pools = self._pools
        body = await self._bodies.read(receive, self.project.settings.memory, self._most)
        call = LegacyCall(application, pools.views, pools.leases, scope, body, asyncio.get_running_loop())
        job = partial(contextvars.copy_context().run, call.run)
        crowded = pools.views.saturated
        pools.views.submit(job)
        if crowded:
            reply = await self._overload.reply(call, job, path, receive)
        else:
            reply = await call.future
        await send_reply(reply, receive, send)

    def is_free_for(self, path: str) -> bool:
        """Whether the view of `path` is synchronous, and a thread is free for it."""
        project = self.project
        return (
            project.sync is not None
            and not self._pools.views.saturated
            and not project.views.answer(path)
            and (self.static is None or self.static.find(path) is None)
        )

    def begin(self, scope: Scope, body: bytes, on_outcome: Callable[[Reply | Exception], None]) -> None:
        """Hand a request to a thread, if `is_free_for` its path."""
        pools = self._pools
        application, loop = cast("WSGIApp", self.project.sync), asyncio.get_running_loop()
        call = DirectCall(on_outcome, application, pools.views, pools.leases, scope, BytesIO(body), loop)
        try:
            pools.views.submit(partial(contextvars.copy_context().run, call.run))
        except RuntimeError as exc:  # the pool is closed: the gateway was shut down
            on_outcome(exc)

    async def _answer_async(self, lease: Lease, scope: Scope, receive: Receive, send: Send) -> None:
        # Without an executor of its own, asgiref would start a thread for every request.
        try:
            async with ThreadSensitiveContext(executor=lease):
                await self._enter(scope, receive, send)
        finally:
            await release(lease)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._lifespan is not None:
            self._lifespan.share(scope)
        await cast("ASGIApp", self.project.asgi)(scope, receive, send)
