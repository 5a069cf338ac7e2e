"""The thread that asks, at the disposal of its request.

In production a request's synchronous code runs on pooled threads, each with connections of its own. A test has
made its rows in a transaction that only its own connection sees. So in tests that code comes to the thread of
the test: it waits there for its answer anyway, and runs what it is handed meanwhile, one job after the other.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
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
from gateway.threads import Job, Lease, PooledThread, Threads

__all__ = [
    "AsyncCallerExecutor",
    "CallerExecutor",
    "CallerThreadExecutor",
    "CallerThreads",
    "SyncCallerExecutor",
    "TransactionQueue",
    "bring_home",
    "divert_workers",
    "keep_connections",
    "open_transactions",
    "use_executor",
]

P = ParamSpec("P")
T = TypeVar("T")


class CallerThreadExecutor(Executor):
    """Where the jobs of one request run. `run` takes them from any thread; they must not raise."""

    def run(self, job: Job) -> None:
        """Have `job` run, in the context that is current here."""
        job = partial(contextvars.copy_context().run, job)
        if not _given_to_who_waits(job):
            self._put(job)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `fn` run; the future carries what it returns or raises."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as exc:  # noqa: BLE001 - the future carries it to the caller
                future.set_exception(exc)
            else:
                future.set_result(result)

        self.run(call)
        return future

    def _put(self, job: Job) -> None:
        raise NotImplementedError


def _given_to_who_waits(job: Job) -> bool:
    """Whether `job` was given to a thread that waits in `async_to_sync` for the code which runs here.

    That thread is the desk's, and would wait for ever for a job in the desk's own queue.
    """
    waiting = waiting_thread()
    if waiting is None:
        return False
    try:
        waiting.submit(job)
    except RuntimeError:  # it waits no more, or is the thread that this runs on
        return False
    return True


class SyncCallerExecutor(CallerThreadExecutor):
    """The thread that calls `serve`."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False

    def _put(self, job: Job) -> None:
        with self._lock:
            if not self._closed:
                self._jobs.put(job)
                return
        # A task outlived its request: its code runs where Django runs that of tasks without one.
        common_thread().submit(job)

    def serve(self, answer: Future[T]) -> T:
        """Run what comes until `answer` is there, and return it. Raises what it carries."""
        answer.add_done_callback(lambda _: self._jobs.put(None))
        with unbound_after():  # of the gateway's loop, where `async_to_sync` of the test has no business
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
    """Wherever `sync_to_async` runs the synchronous code of the task that makes this; call it in a test's task.

    Requests of one test may overlap, and have one connection: so while one of them has opened a transaction, the
    jobs of the others wait.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._turn = _turns.setdefault(self._loop, TransactionQueue())
        self.closed = False

    def close(self) -> None:
        """The request is over: let the others go on, whatever it has left."""
        self.closed = True
        self._turn.go_on()

    def _put(self, job: Job) -> None:
        try:
            self._loop.call_soon_threadsafe(self._turn.take, self, job)
        except RuntimeError:  # the test is over
            common_thread().submit(job)

    def start(self, job: Job) -> asyncio.Task[object]:
        """Run `job`, in a task of its own."""
        return self._loop.create_task(sync_to_async(job)(), context=self._context.copy())


class TransactionQueue:
    """Whose turn it is, of the desks on one event loop."""

    def __init__(self) -> None:
        self._desk: AsyncCallerExecutor | None = None
        self._task: asyncio.Task[object] | None = None
        self._transactions = 0  # that were open when the turn began
        self._waiting: deque[tuple[AsyncCallerExecutor, Job]] = deque()

    def take(self, desk: AsyncCallerExecutor, job: Job) -> None:
        """Run `job` of `desk` when nobody else's runs, and nobody else is in a transaction."""
        self._waiting.append((desk, job))
        self.go_on()

    def go_on(self) -> None:
        """Run the next job, if there is one that may run now."""
        if self._task is not None:
            return
        if self._desk is not None and self._desk.closed:
            self._desk = None
        for index, (desk, job) in enumerate(self._waiting):
            if self._desk in (None, desk):
                del self._waiting[index]
                self._task = desk.start(partial(self._run, desk, job))
                self._task.add_done_callback(self._done)
                return

    def _run(self, desk: AsyncCallerExecutor, job: Job) -> None:
        if self._desk is None:
            self._desk, self._transactions = desk, open_transactions()
        job()
        if open_transactions() <= self._transactions:
            self._desk = None

    def _done(self, _: asyncio.Task[object]) -> None:
        self._task = None
        self.go_on()


_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, TransactionQueue] = weakref.WeakKeyDictionary()


def open_transactions() -> int:
    """How many transactions and savepoints are open on this thread's connections."""
    return sum(
        connection.in_atomic_block + len(connection.savepoint_ids)
        for connection in connections.all(initialized_only=True)
    )


_home: contextvars.ContextVar[CallerThreadExecutor | None] = contextvars.ContextVar("home", default=None)


@contextmanager
def use_executor(desk: CallerThreadExecutor) -> Iterator[None]:
    """What is started in this block has its synchronous code run at `desk`."""
    token = _home.set(desk)
    try:
        yield
    finally:
        _home.reset(token)


class CallerLease(Lease):
    """A lease of the desk: it has only one thread, and keeps it."""

    def __init__(self, pool: Threads, desk: CallerThreadExecutor) -> None:
        super().__init__(pool.schedule)
        self._desk = desk

    def run(self, job: Job) -> None:
        """Have `job` run at the desk."""
        self._desk.run(job)

    def hold(self) -> None:
        """Without effect: the thread is the request's anyway."""

    def unhold(self) -> None:
        """Without effect: the thread is the request's anyway."""

    def release(self) -> None:
        """Without effect: the thread is the request's anyway."""


class CallerThreads(Threads):
    """A pool whose jobs run at the desk of the request that they belong to, if it has one."""

    def submit(self, job: Job) -> None:
        """Run `job` soon. Raises RuntimeError once the pool is closed."""
        desk = _home.get()
        if desk is None:
            super().submit(job)
        else:
            desk.run(job)

    def submit_to(self, thread: PooledThread, job: Job) -> None:
        """Run `job` on `thread`, which is None at a desk (it is nobody's pooled thread)."""
        if thread is None:
            self.submit(job)  # type: ignore[unreachable] # what current_thread() returns there, cast by its callers
        else:
            super().submit_to(thread, job)

    def lease(self, *, ends: bool = False) -> Lease:
        """An executor for the calls of one request."""
        desk = _home.get()
        return super().lease(ends=ends) if desk is None else CallerLease(self, desk)


class CallerExecutor(ThreadPoolExecutor):
    """What `asyncio.to_thread` uses: the desk of the request that calls it, if it has one."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `fn` run; the future carries what it returns or raises."""
        desk = _home.get()
        return super().submit(fn, *args, **kwargs) if desk is None else desk.submit(fn, *args, **kwargs)


def bring_home(legacy: object) -> None:
    """Let the pools of the Django project, which the services inside its middleware use too, ask for a desk.

    They are changed in place, since every part of a gateway that was built has them in hand. a2wsgi has its own.
    """
    if isinstance(legacy, DjangoUpstream):
        for pool in legacy.pools.all:
            pool.__class__ = CallerThreads
    elif isinstance(legacy, WSGIUpstream):
        legacy._asgi.executor = CallerExecutor(thread_name_prefix="WSGI")  # noqa: SLF001 - not a thing to configure


def divert_workers() -> None:
    """Let the threads of AnyIO, on which Starlette runs what is synchronous, be the desk, where there is one.

    For services with `middleware = "none"`; the bridge does the same for the others, by the same means.
    """
    divert_sync_calls()
    wrap_run_sync("testing", _brought_home)


def _brought_home(original: RunSync) -> RunSync:
    async def run_sync(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        desk = _home.get()
        if desk is None or request_lease.get() is not None:
            return await original(function, *args, **options)
        token = request_lease.set(CallerLease(Threads(1), desk))
        try:
            return await original(function, *args, **options)
        finally:
            request_lease.reset(token)

    return run_sync


def keep_connections() -> None:
    """Let no request at a desk close the connections it finds there: they are the test's.

    Around requests Django closes what is old or in a transaction, and services do so too (`close_old_connections`).
    Its test client takes that off the two signals of a request; a service that calls it would not notice.
    """
    original = BaseDatabaseWrapper.close_if_unusable_or_obsolete
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def close_if_unusable_or_obsolete(self: BaseDatabaseWrapper) -> None:
        if _home.get() is None:
            original(self)

    BaseDatabaseWrapper.close_if_unusable_or_obsolete = close_if_unusable_or_obsolete  # type: ignore[method-assign]
