"""Threads that a mirror starts: Python gives them an empty context, so their code would run as if for callers.

Work that is submitted to a pool ends by itself, and runs as part of the mirror. A new thread may serve the whole
process from now on, so it can't belong to the mirror, and is not started.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gateway.compat.stdlib import thread_target
from gateway.context.mirror_scope import MirrorScope, mirror_scope
from gateway.shield.guard import GuardedCall, guard

__all__ = ["shield_threads"]

# Packages whose threads use no store of Django's, or set their own context.
HARMLESS = frozenset({
    "aiosqlite", "anyio", "asgiref", "asyncio", "concurrent", "ddtrace", "elasticapm", "gateway", "grpc", "logging",
    "multiprocessing", "newrelic", "opentelemetry", "prometheus_client", "psycopg_pool", "pymongo",
    "sentry_sdk", "sqlalchemy",
})  # fmt: skip


def shield_threads() -> None:
    """From now on, run a mirror's work in pools as part of the mirror, and start no threads for it."""
    guard(ThreadPoolExecutor, {"submit"}.__contains__, _belonging)
    guard(threading.Thread, {"start"}.__contains__, _not_started)


def _belonging(call: GuardedCall) -> Any:
    function, *args = call.args
    call.args = (_run, call.scope, function, *args)
    return call.proceed()  # as for a caller: the pool may start a thread that it keeps


def _run(scope: MirrorScope, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    with mirror_scope(scope):
        return function(*args, **kwargs)


def _not_started(call: GuardedCall) -> Any:
    runs = _runs(call.target)
    module = getattr(runs, "__module__", None) or ""
    if module.partition(".")[0] in HARMLESS:
        return call.proceed()
    raise call.scope.refuse(f"a thread of its own, for {module}.{getattr(runs, '__qualname__', runs)}")


def _runs(thread: threading.Thread) -> Any:
    """What a thread that has not started will run."""
    if isinstance(thread, threading.Timer):
        found: Any = thread.function
    elif type(thread).run is threading.Thread.run:
        found = thread_target(thread)
    else:
        found = type(thread).run
    return getattr(found, "func", found)  # of a partial
