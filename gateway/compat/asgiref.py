"""asgiref: what belongs to a request on its way between threads, and which thread waits for whom."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from asgiref import sync
from asgiref.sync import AsyncToSync, SyncToAsync

__all__ = ["adopt", "common_thread", "unbound_after", "unmark_coroutine", "waiting_thread"]


def adopt(context: contextvars.Context) -> None:
    """Set here what `context`, which comes from another thread, has set: context variables and `asgiref.Local`s.

    `sync._restore_context`: a `Local` is only visible on the thread that it was last set on, and asgiref, which moves
    them between threads as we do, has no public name for that.
    """
    sync._restore_context(context)  # noqa: SLF001


def waiting_thread() -> Executor | None:
    """What runs code on the thread that waits in `async_to_sync` for this code; None where none does.

    `AsyncToSync.executors.current`: `sync_to_async` finds it there, and nothing public tells it.
    """
    return getattr(AsyncToSync.executors, "current", None)


def common_thread() -> Executor:
    """The one thread for synchronous code of tasks that have no context of their own.

    `SyncToAsync.single_thread_executor`: from outside of an event loop, nothing public leads there.
    """
    return SyncToAsync.single_thread_executor


@contextmanager
def unbound_after() -> Iterator[None]:
    """What runs on this thread in this block, as `sync_to_async` runs it, ties it to no event loop for longer.

    `SyncToAsync.threadlocal` has the loop that `async_to_sync` goes to from this thread. asgiref leaves it there after
    a call, and has no public way to take it away.
    """
    bound = dict(vars(SyncToAsync.threadlocal))
    try:
        yield
    finally:
        vars(SyncToAsync.threadlocal).clear()
        vars(SyncToAsync.threadlocal).update(bound)


def unmark_coroutine(function: Callable[..., Any]) -> None:
    """Undo `markcoroutinefunction`, which has no opposite.

    `_is_coroutine_marker` is Python's from 3.12 on, and `_is_coroutine` asgiref's and asyncio's before.
    """
    for mark in ("_is_coroutine_marker", "_is_coroutine"):
        vars(function).pop(mark, None)
