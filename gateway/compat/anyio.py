"""AnyIO: on which thread Starlette and FastAPI run synchronous code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import anyio.to_thread

__all__ = ["RunSync", "wrap_run_sync"]

RunSync = Callable[..., Awaitable[Any]]


def wrap_run_sync(name: str, make: Callable[[RunSync], RunSync]) -> None:
    """Replace `anyio.to_thread.run_sync` by what `make` makes of it; only once for each `name`.

    The function is public, but only to be called: there is no public way to choose the thread, or for which code.
    Starlette and FastAPI look it up in its module at each call.
    """
    original = anyio.to_thread.run_sync
    mark = f"_gateway_{name}"
    if hasattr(original, mark):
        return
    made: Any = wraps(original)(make(original))  # with the marks of the functions that it wraps
    setattr(made, mark, True)
    anyio.to_thread.run_sync = made
