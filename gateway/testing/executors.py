"""Caller thread executors: in tests, a request's synchronous code runs on the thread that made the request.

In production that code runs on pooled threads, each with database connections of its own. A test creates its rows in a
transaction that only its own connection sees. So in tests the caller's thread, while it waits for the response, runs
the jobs of its request, one after the other.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial, wraps
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.bridge.orm import divert_sync_calls, request_lease
from gateway.compat.anyio import RunSync, wrap_run_sync
from gateway.compat.asgiref import common_thread, unbound_after, waiting_thread
from gateway.legacy.upstream import DjangoUpstream
from gateway.legacy.wsgi import WSGIUpstream
from gateway.threads import Job, Lease, PooledThread, Threads, run_for

__all__ = [
    "AsyncCallerExecutor",
    "CallerExecutor",
    "CallerThreadExecutor",
    "CallerThreads",
    "SyncCallerExecutor",
    "TransactionQueue",
    "divert_workers",
    "keep_connections",
    "open_transactions",
    "use_caller_threads",
    "use_executor",
]

P = ParamSpec("P")
T = TypeVar("T")


class CallerThreadExecutor(Executor):
    """Runs the jobs of one request. `run` may be called from any thread; jobs must not raise."""

    def run(self, job: Job) -> None:
        """Schedule `job`, in a copy of the current context."""
        job = partial(contextvars.copy_context().run, job)
        if not _given_to_waiting_thread(job):
            self._put(job)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Schedule `fn`; the future gets what it returns or raises."""
        future: Future[T] = Future()
        self.run(partial(run_for, future, partial(fn, *args, **kwargs)))
        return future

    @abstractmethod
    def _put(self, job: Job) -> None:
        """Schedule `job` where this executor's jobs run."""


def _given_to_waiting_thread(job: Job) -> bool:
    """Hand `job` to the thread that waits in `async_to_sync` for this code. Returns whether there is one.

    That thread is the executor's own, so a job in the executor's queue would never run.
    """
    waiting = waiting_thread()
    if waiting is None:
        return False
    try:
        waiting.submit(job)
    except RuntimeError:  # it no longer waits, or is this thread
        return False
    return True


class SyncCallerExecutor(CallerThreadExecutor):
    """Runs jobs on the thread that calls `serve`."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False

    def _put(self, job: Job) -> None:
        with self._lock:
            if not self._closed:
                self._jobs.put(job)
                return
        # A task outlived its request: its code runs on Django's thread for tasks without one.
        common_thread().submit(job)

    def serve(self, answer: Future[T]) -> T:
        """Run jobs until `answer` is done, and return its result or raise its exception."""
        answer.add_done_callback(lambda _: self._jobs.put(None))
        with unbound_after():  # so that `async_to_sync` in the test doesn't use the gateway's loop
            try:
                while (job := self._jobs.get()) is not None:
                    job()
            except BaseException:  # Ctrl-C
                answer.cancel()
                raise
            finally:
                self._close()
        return answer.result()

    def _close(self) -> None:
        with self._lock:
            self._closed = True
        while not self._jobs.empty():
            if (job := self._jobs.get()) is not None:
                job()


class AsyncCallerExecutor(CallerThreadExecutor):
    """Runs jobs where `sync_to_async` would run the synchronous code of the task that creates this (a test's task).

    Requests of one test may overlap and share one connection, so while one of them has an open transaction, the jobs of
    the others wait.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._queue = _queues.setdefault(self._loop, TransactionQueue())
        self.closed = False

    def close(self) -> None:
        """The request is over: let the others go on, even if it left a transaction open."""
        self.closed = True
        self._queue.go_on()

    def _put(self, job: Job) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.take, self, job)
        except RuntimeError:  # the test is over
            common_thread().submit(job)

    def start(self, job: Job) -> asyncio.Task[object]:
        """Run `job`, in a task of its own."""
        return self._loop.create_task(sync_to_async(job)(), context=self._context.copy())


class TransactionQueue:
    """Runs the jobs of all executors of one event loop, one at a time, and never inside another one's transaction."""

    def __init__(self) -> None:
        self._executor: AsyncCallerExecutor | None = None
        self._task: asyncio.Task[object] | None = None
        self._transactions = 0  # how many were open when the current executor's first job began
        self._waiting: deque[tuple[AsyncCallerExecutor, Job]] = deque()

    def take(self, executor: AsyncCallerExecutor, job: Job) -> None:
        """Run `job` of `executor` once no job runs, and no other executor is in a transaction."""
        self._waiting.append((executor, job))
        self.go_on()

    def go_on(self) -> None:
        """Run the next job, if there is one that may run now."""
        if self._task is not None:
            return
        if self._executor is not None and self._executor.closed:
            self._executor = None
        for index, (executor, job) in enumerate(self._waiting):
            if self._executor in (None, executor):
                del self._waiting[index]
                self._task = executor.start(partial(self._run, executor, job))
                self._task.add_done_callback(self._done)
                return

    def _run(self, executor: AsyncCallerExecutor, job: Job) -> None:
        if self._executor is None:
            self._executor, self._transactions = executor, open_transactions()
        job()
        if open_transactions() <= self._transactions:
            self._executor = None

    def _done(self, _: asyncio.Task[object]) -> None:
        self._task = None
        self.go_on()


_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, TransactionQueue] = weakref.WeakKeyDictionary()


def open_transactions() -> int:
    """How many transactions and savepoints are open on this thread's connections."""
    return sum(
        connection.in_atomic_block + len(connection.savepoint_ids)
        for connection in connections.all(initialized_only=True)
    )


_current_executor: contextvars.ContextVar[CallerThreadExecutor | None] = contextvars.ContextVar(
    "executor", default=None
)


@contextmanager
def use_executor(executor: CallerThreadExecutor) -> Iterator[None]:
    """Requests that are started in this block run their synchronous code in `executor`."""
    token = _current_executor.set(executor)
    try:
        yield
    finally:
        _current_executor.reset(token)


class CallerLease(Lease):
    """A lease of the caller's thread, which the request keeps until its end."""

    def __init__(self, pool: Threads, executor: CallerThreadExecutor) -> None:
        super().__init__(pool.schedule)
        self._executor = executor

    def run(self, job: Job) -> None:
        """Run `job` in the executor."""
        self._executor.run(job)

    def hold(self) -> None:
        """No effect: the request keeps the caller's thread."""

    def unhold(self) -> None:
        """No effect: the request keeps the caller's thread."""

    def release(self) -> None:
        """No effect: the request keeps the caller's thread."""


class CallerThreads(Threads):
    """A pool whose jobs run in the caller thread executor of their request, if it has one."""

    def submit(self, job: Job) -> None:
        """Run `job` soon. Raises RuntimeError once the pool is closed."""
        executor = _current_executor.get()
        if executor is None:
            super().submit(job)
        else:
            executor.run(job)

    def submit_to(self, thread: PooledThread, job: Job) -> None:
        """Run `job` on `thread`, which is None on a caller's thread (not a thread of a pool)."""
        if thread is None:
            self.submit(job)  # type: ignore[unreachable] # what current_thread() returns there, cast by its callers
        else:
            super().submit_to(thread, job)

    def lease(self, *, ends: bool = False) -> Lease:
        """An executor for the calls of one request."""
        executor = _current_executor.get()
        return super().lease(ends=ends) if executor is None else CallerLease(self, executor)


class CallerExecutor(ThreadPoolExecutor):
    """Runs calls in the caller thread executor of the request that makes them, if it has one."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Schedule `fn`; the future gets what it returns or raises."""
        executor = _current_executor.get()
        return super().submit(fn, *args, **kwargs) if executor is None else executor.submit(fn, *args, **kwargs)


def use_caller_threads(legacy: object) -> None:
    """Make the Django project's thread pools, which services inside its middleware use too, use the current executor.

    Their class is changed in place, since every part of a built gateway refers to them. a2wsgi's executor is replaced.
    """
    if isinstance(legacy, DjangoUpstream):
        for pool in legacy.pools.all:
            pool.__class__ = CallerThreads
    elif isinstance(legacy, WSGIUpstream):
        legacy._asgi.executor = CallerExecutor(thread_name_prefix="WSGI")  # noqa: SLF001 - not a thing to configure


def divert_workers() -> None:
    """Run what Starlette hands to AnyIO's worker threads in the current executor, if there is one.

    For services with `middleware = "none"`; the bridge does the same for the others, by the same means.
    """
    divert_sync_calls()
    wrap_run_sync("testing", _on_caller_thread)


def _on_caller_thread(original: RunSync) -> RunSync:
    async def run_sync(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        executor = _current_executor.get()
        if executor is None or request_lease.get() is not None:
            return await original(function, *args, **options)
        token = request_lease.set(CallerLease(Threads(1), executor))
        try:
            return await original(function, *args, **options)
        finally:
            request_lease.reset(token)

    return run_sync


def keep_connections() -> None:
    """Prevent requests that run in a caller thread executor from closing its connections: they are the test's.

    Before and after requests Django closes connections that are too old or unusable (`close_old_connections`), and
    services may call it too. Django's test client disconnects it from the signals of a request; that doesn't reach a
    service's own calls.
    """
    original = BaseDatabaseWrapper.close_if_unusable_or_obsolete
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def close_if_unusable_or_obsolete(self: BaseDatabaseWrapper) -> None:
        if _current_executor.get() is None:
            original(self)

    BaseDatabaseWrapper.close_if_unusable_or_obsolete = close_if_unusable_or_obsolete  # type: ignore[method-assign]
