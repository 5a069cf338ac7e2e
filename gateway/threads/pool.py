"""A pool of threads, of which the one that became idle last is woken first."""

from __future__ import annotations

import threading

from gateway.threads.lease import Lease
from gateway.threads.processor import PATIENCE
from gateway.threads.schedule import Schedule
from gateway.threads.thread import NO_HOOKS, Hooks, Job, PooledThread, run_job, set_current_thread

__all__ = ["Threads"]


class Threads:
    """A pool of at most `size` threads, whose names begin with `name`.

    `hooks` are called on them. Jobs must not raise: they report errors to the code that waits for them.
    """

    def __init__(self, size: int, *, name: str = "gateway", hooks: Hooks = NO_HOOKS) -> None:
        self.size = size
        self._name = name
        self.schedule = Schedule(size, hooks, self._start)

    def __repr__(self) -> str:
        with (schedule := self.schedule).lock:
            return (
                f"Threads(size={self.size}, started={schedule.started}, idle={len(schedule.idle)}, "
                f"leased={schedule.leased.count}, waiting={len(schedule.backlog)})"
            )

    @property
    def started(self) -> int:
        """How many threads there are, without those about to end."""
        return self.schedule.started

    @property
    def idle(self) -> int:
        """How many threads wait for work."""
        return len(self.schedule.idle)

    @property
    def waiting(self) -> int:
        """How many jobs wait for a thread."""
        return len(self.schedule.backlog)

    @property
    def working(self) -> int:
        """How many threads aren't idle, including those that are ending."""
        return self.schedule.alive - self.schedule.asleep

    @property
    def saturated(self) -> bool:
        """Whether a new job would have to wait until another ends."""
        schedule = self.schedule
        return not (schedule.idle and not schedule.backlog) and schedule.saturated

    def __contains__(self, job: Job) -> bool:
        """Whether `job` waits for a thread."""
        with self.schedule.lock:
            return job in self.schedule.backlog

    def withdraw(self, job: Job) -> bool:
        """Take `job` back unless it has begun. Returns whether it was taken back."""
        with self.schedule.lock:
            try:
                self.schedule.backlog.remove(job)
            except ValueError:
                return False
            return True

    def submit(self, job: Job) -> None:
        """Run `job` soon, on a thread that becomes free or on one that is signalled for it.

        Raises RuntimeError once the pool is closed.
        """
        with (schedule := self.schedule).lock:
            if schedule.closed:
                raise RuntimeError("cannot submit a job to a closed pool")
            schedule.queue(job)

    def submit_to(self, thread: PooledThread, job: Job) -> None:
        """Run `job` on `thread`, after its current job: to clean up what was left on that thread.

        If that thread has ended, its connections are closed, and `job` runs on the caller's thread.
        """
        with self.schedule.lock:
            if not thread.ended:
                self.schedule.queue_at(thread, job)
                return
        job()

    def lease(self, *, ends: bool = False) -> Lease:
        """An executor for the calls of one request, which run one at a time and, if necessary, on one thread.

        `ends`: it takes no calls once it is released.
        """
        return Lease(self.schedule, ends=ends)

    def close(self) -> None:
        """Let every thread end once it has nothing to do. Jobs already queued still run."""
        with (schedule := self.schedule).lock:
            schedule.closed = True
            while schedule.idle:
                schedule.wake(schedule.idle.pop())

    def _start(self) -> PooledThread:
        thread = PooledThread()
        name = f"{self._name}-{self.schedule.started + 1}"
        threading.Thread(target=_run, args=(self.schedule, thread), name=name, daemon=True).start()
        return thread


# -- on a pooled thread ---------------------------------------------------------------------------


def _run(schedule: Schedule, thread: PooledThread) -> None:
    set_current_thread(thread)
    try:
        while (job := _next(schedule, thread)) is not None:
            run_job(job)
            del job  # otherwise the last request would stay in memory until the next one
    finally:
        if schedule.hooks.at_exit is not None:
            schedule.hooks.at_exit()
        with schedule.lock:
            schedule.alive -= 1


def _next(schedule: Schedule, thread: PooledThread) -> Job | None:
    """The next job for `thread`, waiting for it; None when the thread has to end."""
    while True:
        with schedule.lock:
            job = schedule.next_job(thread)
        if job is not None or thread.ended:
            return job
        _wait(schedule, thread)


def _wait(schedule: Schedule, thread: PooledThread) -> None:
    """Wait until `thread` is woken, or for at most PATIENCE if it is on standby."""
    if schedule.signalled is not thread:
        thread.wake.acquire()
    elif not thread.wake.acquire(timeout=PATIENCE):
        with schedule.lock:
            late = not thread.standby  # it was woken meanwhile
            thread.standby = False
        if late:
            thread.wake.acquire()
