"""Runs the synchronous calls of one request, on one thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import ParamSpec, TypeVar, cast

from gateway.threads.schedule import Schedule
from gateway.threads.thread import Job, PooledThread, current_thread, run_for, run_job

__all__ = ["Lease"]

P = ParamSpec("P")
T = TypeVar("T")


class Lease(Executor):
    """Runs the synchronous calls of one request, one at a time, on a thread of the pool that `schedule` belongs to.

    They run on one thread, so that they share a connection: the first call takes one from the pool, and
    the lease keeps it until `release`. Between two calls the pool may take that thread away when it has
    no other left, so that requests which only wait hold nobody up; but not while the lease is held
    (`hold`) or something on the thread is the request's own, such as an open transaction (the pool's
    `pinned`). It is what `asgiref.sync.ThreadSensitiveContext(executor=…)` asks for.
    """

    def __init__(self, schedule: Schedule, *, ends: bool = False) -> None:
        self.thread: PooledThread | None = None  # this and all below: guarded by the schedule's lock
        self._schedule = schedule
        self._ends = ends
        self._ended = False
        self._calls: deque[Job] = deque()
        self._serving = False  # a thread runs the calls, or will
        self._holds = 0
        self._pinned = 0
        self._released = False
        self._late = False  # used after its release
        self.begun = False  # has had a thread

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` on the lease's thread; the future carries what it returns or raises.

        Raises RuntimeError when the lease has ended with its request.
        """
        if self._ended:
            raise RuntimeError("a task has outlived its request, which had a thread to itself (one_thread = true)")
        future: Future[T] = Future()
        self.run(partial(run_for, future, partial(fn, *args, **kwargs), self._note_pinned))
        return future

    def _note_pinned(self) -> None:
        self._pinned = self._schedule.hooks.pinned()

    @property
    def pinned(self) -> int:
        """How much the last call left on the thread that is the request's own."""
        return self._pinned

    @property
    def kept(self) -> bool:
        """Whether the thread is the lease's own for now, and nobody else's."""
        return self._pinned > 0 or self._holds > 0

    @property
    def waits(self) -> bool:
        """Whether it waits for its first thread."""
        return self._serving and not self.begun

    def run(self, job: Job) -> None:
        """Run `job`, which must not raise, on the lease's thread."""
        with self._schedule.lock:
            self._late = self._late or self._released
            self._released = False
            self._calls.append(job)
            if not self._serving:
                self._serve_soon()

    def hold(self) -> None:
        """From its next call on, the lease keeps its thread, until `unhold` was called as often as this."""
        with self._schedule.lock:
            self._holds += 1

    def unhold(self) -> None:
        """Take one `hold` back."""
        with self._schedule.lock:
            self._holds = max(0, self._holds - 1)  # none is left after `release`
            if self._serving:
                return
            if self._schedule.hooks.on_idle is None or self.thread is None:
                self._rest()
            else:
                self._serve_soon()

    def release(self) -> None:
        """Give the thread back once the calls so far have run. Without effect when none was taken.

        A task that outlives the request may go on calling: each time, the thread is given back at once.
        """
        with self._schedule.lock:
            self._released = True
            self._ended = self._ends
            self._holds = 0
            if not self._serving:
                self._rest()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """As `release`."""
        self.release()

    # -- with the lock held ---------------------------------------------------------------------

    def _serve_soon(self) -> None:
        """Have `_serve` run: on the lease's thread, if it has one."""
        self._serving = True
        if self.thread is None:
            self._schedule.queue(self._serve)
        else:
            self._schedule.leased.reclaimable.pop(self.thread, None)
            self._schedule.queue_at(self.thread, self._serve)

    def _rest(self) -> None:
        """Keep the thread, or leave it to whoever needs it, or give it back."""
        schedule, thread = self._schedule, self.thread
        if thread is None:
            return
        if self._released or (schedule.backlog and not self._pinned and not self._holds):
            schedule.take_from_lease(thread)
        elif self._pinned or self._holds:
            return
        elif self._late:  # nobody will release it again
            schedule.take_from_lease(thread)
        else:
            schedule.leased.reclaimable[thread] = self

    # -- on the lease's thread --------------------------------------------------------------------

    def _serve(self) -> None:
        with self._schedule.lock:
            self.begun = True
            self._schedule.leased.give(cast("PooledThread", current_thread()), self)
        while (call := self._next()) is not None:
            run_job(call)
            del call

    def _next(self) -> Job | None:
        """The next call; None, once the lease rests, when there is none."""
        schedule = self._schedule
        with schedule.lock:
            if self._calls:
                return self._calls.popleft()
        pinned = schedule.hooks.pinned()
        if schedule.hooks.on_idle is not None and not pinned and not self._holds:
            schedule.hooks.on_idle()
        used = schedule.hooks.used()
        with schedule.lock:
            if self._calls:
                return self._calls.popleft()
            self._serving = False
            self._pinned = pinned
            if self.thread is not None:
                self.thread.used = used
            self._rest()
        return None
