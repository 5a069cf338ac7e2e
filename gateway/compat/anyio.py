"""AnyIO: whose thread Starlette's and FastAPI's synchronous code runs on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import anyio.to_thread

__all__ = ["RunSync", "wrap_run_sync"]

RunSync = Callable[..., Awaitable[Any]]


def wrap_run_sync(name: str, make: Callable[[RunSync], RunSync]) -> None:
    """Put what `make` makes of `anyio.to_thread.run_sync` in its place; once for each `name`.

    It is public, but to be called: there is no public way to name a thread, or to say for which code. Starlette and
    FastAPI look it up in its module whenever they call it.
    """
    original = anyio.to_thread.run_sync
    mark = f"_gateway_{name}"
    if hasattr(original, mark):
        return
    made: Any = wraps(original)(make(original))  # with the marks of those it is put around
    setattr(made, mark, True)
    anyio.to_thread.run_sync = made
