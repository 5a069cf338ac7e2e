"""Which thread of a pool runs what next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from gateway.threads.leased import LeasedThreads
from gateway.threads.processor import ProcessorLoad
from gateway.threads.thread import Hooks, Job, PooledThread

__all__ = ["Schedule"]


class Schedule:
    """The jobs and threads of one pool of at most `size` threads. `start` starts one more.

    Everything here is to be read and called with `lock` held.
    """

    def __init__(self, size: int, hooks: Hooks, start: Callable[[], PooledThread]) -> None:
        self.size = size
        self.hooks = hooks
        self.lock = threading.Lock()
        self.idle: list[PooledThread] = []
        self.backlog: deque[Job] = deque()
        self.started = 0
        self.alive = 0  # with those about to end
        self.leased = LeasedThreads()
        self.asleep = 0  # idle ones, and leased ones whose requests are elsewhere
        self.closed = False
        self.signalled: PooledThread | None = None  # the one that is to help with the backlog, and has not begun
        self.load = ProcessorLoad()
        self._start = start
        self._begun = 0  # jobs taken from the backlog

    @property
    def saturated(self) -> bool:
        """Whether a job that came now would have to wait until another ends."""
        free = len(self.idle) + self.size - self.started + (self.signalled is not None) + len(self.leased.reclaimable)
        return len(self.backlog) >= free

    def queue(self, job: Job) -> None:
        """Have `job` run on whichever thread is free first."""
        self.backlog.append(job)
        if self.signalled is None:
            self.signal_one()

    def queue_at(self, thread: PooledThread, job: Job) -> None:
        """Have `job` run on `thread`."""
        thread.jobs.append(job)
        if thread.asleep:
            if thread.lease is None:
                self.idle.remove(thread)
            self.wake(thread)
        elif thread.standby:  # for the backlog; its own jobs come first
            thread.standby = False
            thread.wake.release()

    def signal_one(self) -> None:
        """Signal one more thread to help with the backlog; it signals the next one when it begins.

        Waking a thread for every job makes all of them fight for the interpreter lock. A signalled thread
        runs only once that lock is free: because the others wait for something, and then one more is
        needed at once, or because they had it for a whole switch interval. So views that compute stay on
        few threads, and views that wait spread over all of them within microseconds.
        """
        if self.idle:
            thread = self.idle.pop()
            self._mark_signalled(thread)
            self.wake(thread)
        elif self.started < self.size:
            self._mark_signalled(self._start())
            self.started += 1
            self.alive += 1
        elif self.leased.reclaimable:
            thread = next(iter(self.leased.reclaimable))  # whose lease has not used it for longest
            self._mark_signalled(thread)
            self.take_from_lease(thread)

    def _mark_signalled(self, thread: PooledThread) -> None:
        self.signalled = thread
        thread.seen = -1

    def unsignal(self, thread: PooledThread) -> None:
        """`thread` has begun, or has something else to do."""
        if self.signalled is thread:
            self.signalled = None

    def wake(self, thread: PooledThread) -> None:
        """Let `thread`, which is asleep, look for what to do."""
        thread.asleep = False
        self.asleep -= 1
        thread.wake.release()

    def take_from_lease(self, thread: PooledThread) -> None:
        """Take `thread` from the lease that keeps it."""
        if self.leased.take(thread) and thread.asleep:
            if thread.untidy or self.backlog or self.closed:
                self.wake(thread)  # it tidies up, and looks for other work
            else:
                self.idle.append(thread)  # a wake-up costs more than all the rest of a lease

    # -- what a thread does next --------------------------------------------------------------

    def next_job(self, thread: PooledThread) -> Job | None:
        """The next job for `thread`. None when it has to wait for one, or has `ended`."""
        if thread.untidy:
            thread.untidy = False
            return self.hooks.tidy
        if thread.jobs:
            if self.signalled is thread:  # it has something else to do first
                self.unsignal(thread)
                if self.backlog:
                    self.signal_one()
            return thread.jobs.popleft()
        if thread.lease is None and not thread.ended:
            if not self.backlog:
                self._settle(thread)
            elif not self.stands_by(thread):
                return self._begin(thread)
        if not thread.ended:
            thread.standby = self.signalled is thread
            thread.asleep = not thread.standby
            self.asleep += thread.asleep
        return None

    def _begin(self, thread: PooledThread) -> Job:
        self.unsignal(thread)
        job = self.backlog.popleft()
        self._begun = thread.seen = self._begun + 1
        if self.backlog and self.signalled is None:
            self.signal_one()
        return job

    def stands_by(self, thread: PooledThread) -> bool:
        """Whether `thread` should leave the backlog to the others, and look again after PATIENCE.

        While the process uses all the processor time the interpreter lock lets it have, another thread
        adds nothing but contention, which the event loop suffers from most. So then the threads that
        work are few, as long as jobs begin: one is always standing by for the moment they don't.
        """
        is_signalled = self.signalled is thread
        if not is_signalled and self.signalled is not None:
            return False  # another one stands by already
        if self.started - self.asleep == 1:
            return False  # nobody else works
        others_began = self._begun - thread.seen > (0 if is_signalled else 1)
        if not (others_began and self.load.high()):
            return False
        if not is_signalled:
            self._mark_signalled(thread)
        thread.seen = self._begun
        return True

    def _settle(self, thread: PooledThread) -> None:
        """Make `thread`, which has nothing to do, an idle one, or let it end."""
        self.unsignal(thread)
        if self.closed:
            thread.ended = True
            self.started -= 1
        else:
            self.idle.append(thread)
