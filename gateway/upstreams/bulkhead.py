"""Limits the threads of a service outside of the project's middleware, so that a slow one doesn't use up all of
them."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from functools import wraps
from typing import Any

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.dispatch.line import Saturated
from gateway.upstreams.base import Legacy

__all__ = ["Bulkhead", "limit_threads", "thread_limiter"]

# The limiter of AnyIO's threads for the service of this request; None for AnyIO's own.
thread_limiter: contextvars.ContextVar[CapacityLimiter | None] = contextvars.ContextVar(
    "gateway.thread_limiter", default=None
)


def limit_threads() -> None:
    """Make Starlette and FastAPI use `thread_limiter` when they run code on AnyIO's threads.

    With Django, `gateway.bridge.orm.divert_sync_calls` does this too, and explains the technique.
    """
    original = anyio.to_thread.run_sync
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    async def run_sync(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if (limiter := thread_limiter.get()) is not None and options.get("limiter") is None:
            options["limiter"] = limiter
        return await original(function, *args, **options)

    anyio.to_thread.run_sync = run_sync  # type: ignore[assignment] # a wrapper that passes everything on


class Bulkhead:
    """An ASGI application: `app`, the service `name`, which may use at most `threads` threads at once, with at most
    `queue` calls waiting. Further calls raise Saturated, and `legacy.refused` is called."""

    def __init__(self, app: ASGIApp, name: str, *, threads: int, queue: int, legacy: Legacy) -> None:
        self.app = app
        self._name = name
        self._threads = threads
        self._queue = queue
        self._legacy = legacy
        self._limiter: CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one WebSocket."""
        limiter = self._limiter
        if limiter is None:  # created here, since it needs a running event loop
            limiter = self._limiter = CapacityLimiter(self._threads)
        if limiter.available_tokens <= 0 and limiter.statistics().tasks_waiting >= self._queue:
            self._legacy.refused(503)
            raise Saturated(f"{self._queue} requests wait for a thread of service {self._name!r} already")
        token = thread_limiter.set(limiter)
        try:
            await self.app(scope, receive, send)
        finally:
            thread_limiter.reset(token)
