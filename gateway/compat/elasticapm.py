"""Elastic APM, which is optional: only a process that has it calls this."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["leave_transactions_alone"]


def leave_transactions_alone() -> None:
    """Let an application of Starlette's end no transaction that it has not begun.

    `StarletteServerErrorMiddlewareInstrumentation.call` ends the one that is current when the application is done,
    which is Django's where the service runs inside of its middleware, and goes on. No setting keeps it from that.
    """
    starlette = importlib.import_module("elasticapm.instrumentation.packages.asyncio.starlette")
    traces = importlib.import_module("elasticapm.traces")
    ended = starlette.StarletteServerErrorMiddlewareInstrumentation.call

    async def call(self: Any, module: str, method: str, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if traces.execution_context.get_transaction() is None:
            return await ended(self, module, method, wrapped, instance, args, kwargs)
        return await wrapped(*args, **kwargs)

    starlette.StarletteServerErrorMiddlewareInstrumentation.call = call
