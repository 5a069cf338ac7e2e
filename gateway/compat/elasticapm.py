"""Elastic APM, which is optional: only called in a process that has it."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["leave_transactions_alone"]


def leave_transactions_alone() -> None:
    """Prevent Starlette applications from ending a transaction that they have not begun.

    `StarletteServerErrorMiddlewareInstrumentation.call` ends the current transaction when the application is done. If
    the service runs inside Django's middleware, that is Django's, which goes on. No setting prevents it.
    """
    starlette = importlib.import_module("elasticapm.instrumentation.packages.asyncio.starlette")
    traces = importlib.import_module("elasticapm.traces")
    ended = starlette.StarletteServerErrorMiddlewareInstrumentation.call

    async def call(self: Any, module: str, method: str, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if traces.execution_context.get_transaction() is None:
            return await ended(self, module, method, wrapped, instance, args, kwargs)
        return await wrapped(*args, **kwargs)

    starlette.StarletteServerErrorMiddlewareInstrumentation.call = call
