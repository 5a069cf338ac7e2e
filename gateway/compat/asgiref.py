"""asgiref: context variables that move between threads, and threads that wait in `async_to_sync`."""

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
    """Set here what was set in `context`, which comes from another thread: context variables and `asgiref.Local`s.

    `sync._restore_context`: a `Local` is only visible on the thread that set it last, and asgiref, which moves them
    between threads too, has no public function for that.
    """
    sync._restore_context(context)  # noqa: SLF001


def waiting_thread() -> Executor | None:
    """The executor for the thread that waits in `async_to_sync` for this code; None when no thread waits.

    `AsyncToSync.executors.current`: `sync_to_async` finds it there, and there is no public way to it.
    """
    return getattr(AsyncToSync.executors, "current", None)


def common_thread() -> Executor:
    """The single thread for synchronous code of tasks that have no thread-sensitive context.

    `SyncToAsync.single_thread_executor`: there is no public way to it from outside of an event loop.
    """
    return SyncToAsync.single_thread_executor


@contextmanager
def unbound_after() -> Iterator[None]:
    """Run a block like code in `sync_to_async`, without binding this thread to an event loop afterwards.

    `SyncToAsync.threadlocal` has the loop that `async_to_sync` uses from this thread. asgiref leaves it there after a
    call, and has no public way to remove it.
    """
    bound = dict(vars(SyncToAsync.threadlocal))
    try:
        yield
    finally:
        vars(SyncToAsync.threadlocal).clear()
        vars(SyncToAsync.threadlocal).update(bound)


def unmark_coroutine(function: Callable[..., Any]) -> None:
    """Undo `markcoroutinefunction`, which has no inverse.

    `_is_coroutine_marker` is Python's from 3.12 on, and `_is_coroutine` asgiref's and asyncio's before.
    """
    for mark in ("_is_coroutine_marker", "_is_coroutine"):
        vars(function).pop(mark, None)
