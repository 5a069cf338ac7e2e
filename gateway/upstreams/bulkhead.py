"""The threads of a service outside of the project's middleware: however slow it is, all others have theirs."""

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

# What limits the threads of AnyIO that the service of this request may use; None where AnyIO's own limit does.
thread_limiter: contextvars.ContextVar[CapacityLimiter | None] = contextvars.ContextVar(
    "gateway.thread_limiter", default=None
)


def limit_threads() -> None:
    """Let what Starlette and FastAPI run on AnyIO's threads be limited by `thread_limiter`.

    Where there is Django, `gateway.bridge.orm.divert_sync_calls` does that too, which says why it is done in this way.
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
    """An ASGI application: `app`, the service `name`, on `threads` threads at once at most, for which `queue` calls may
    wait. What comes then is Saturated, of which `legacy` is told."""

    def __init__(self, app: ASGIApp, name: str, *, threads: int, queue: int, legacy: Legacy) -> None:
        self.app = app
        self._name = name
        self._threads = threads
        self._queue = queue
        self._legacy = legacy
        self._limiter: CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one socket."""
        limiter = self._limiter
        if limiter is None:  # it wants an event loop, which there was none of
            limiter = self._limiter = CapacityLimiter(self._threads)
        if limiter.available_tokens <= 0 and limiter.statistics().tasks_waiting >= self._queue:
            self._legacy.refused(503)
            raise Saturated(f"{self._queue} requests wait for a thread of service {self._name!r} already")
        token = thread_limiter.set(limiter)
        try:
            await self.app(scope, receive, send)
        finally:
            thread_limiter.reset(token)
