"""Long-lived threads that run synchronous code for the event loop.

Django keeps one database connection per thread, so a connection lives as long as its thread.
`concurrent.futures.ThreadPoolExecutor` hands work to whichever thread wakes first, which keeps
all of them, and all of their connections, busy in turn. Here the thread that went idle last is
woken first: light load stays on a few warm threads. A thread can also be named again (`submit_to`)
or kept for one request (`lease`), because what Django leaves on a thread must be cleaned up there.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar, cast

__all__ = ["Lease", "PooledThread", "Threads", "current_thread"]

P = ParamSpec("P")
T = TypeVar("T")
Job = Callable[[], object]

PATIENCE = 0.005  # seconds without a job begun, after which another thread helps in any case
BUSY = 0.9  # the share of one processor above which another thread would only contend for it


class PooledThread:
    """One thread of a pool. The pool's lock guards everything but `wake`."""

    __slots__ = ("asleep", "called", "ended", "jobs", "lease", "seen", "standing", "untidy", "wake")

    def __init__(self) -> None:
        self.wake = threading.Lock()
        self.wake.acquire()
        self.asleep = False  # waits on `wake`
        self.called = False  # is to help with the backlog, and has not begun
        self.standing = False  # waits on `wake`, for PATIENCE at most
        self.seen = 0  # how many jobs the pool had begun when it last looked
        self.lease: Lease | None = None  # whose thread it is for the time being
        self.untidy = False  # a lease left it, and `tidy` has not run since
        self.ended = False
        self.jobs: deque[Job] = deque()  # what must run on this thread and no other


class Threads:
    """A pool of at most `size` threads.

    `name` prefixes the threads' names. Four functions know what the jobs leave on a thread: `pinned` says
    whether a lease must keep the thread it is called on, `at_rest` runs when a lease has nothing more to do
    there for now and needn't keep it, `tidy` cleans up after a lease, `at_exit` runs as a thread ends. Jobs
    must not raise: they report to whoever waits for them.
    """

    def __init__(
        self,
        size: int,
        *,
        name: str = "gateway",
        at_exit: Job | None = None,
        pinned: Callable[[], bool] = lambda: False,
        at_rest: Job | None = None,
        tidy: Job = lambda: None,
    ) -> None:
        self.size = size
        self._name = name
        self._at_exit = at_exit
        self._pinned = pinned
        self._at_rest = at_rest
        self._tidy = tidy
        self._lock = threading.Lock()
        self._idle: list[PooledThread] = []
        self._backlog: deque[Job] = deque()
        self._calling = False  # a thread was called and has not begun
        self._begun = 0  # jobs taken from the backlog
        self._pressure = _Pressure()
        self._started = 0
        self._leased = 0
        self._asleep = 0  # idle ones, and leased ones whose requests are elsewhere
        self._spare: dict[PooledThread, Lease] = {}  # leased, but could be taken away
        self._closed = False

    def __repr__(self) -> str:
        with self._lock:
            return (
                f"Threads(size={self.size}, started={self._started}, idle={len(self._idle)}, "
                f"leased={self._leased}, waiting={len(self._backlog)})"
            )

    @property
    def started(self) -> int:
        """How many threads there are, without those about to end."""
        return self._started

    @property
    def idle(self) -> int:
        """How many threads wait for work."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """How many jobs wait for a thread."""
        return len(self._backlog)

    def submit(self, job: Job) -> None:
        """Run `job` soon, on a thread that becomes free or on one that is called for it.

        Raises RuntimeError once the pool is closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot submit a job to a closed pool")
            self._queue(job)

    def submit_to(self, thread: PooledThread, job: Job) -> None:
        """Run `job` on `thread`, after what runs there now: to clean up where the work was done.

        When that thread has ended, so have its connections, and `job` runs on the caller's.
        """
        with self._lock:
            if not thread.ended:
                self._queue_at(thread, job)
                return
        job()

    def lease(self) -> Lease:
        """An executor for the calls of one request, which run one at a time and, if they must, on one thread."""
        return Lease(self)

    def close(self) -> None:
        """Let every thread end once it has nothing to do. Jobs already queued still run."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._wake(self._idle.pop())

    # -- with the lock held ---------------------------------------------------------------------

    def _queue(self, job: Job) -> None:
        self._backlog.append(job)
        if not self._calling:
            self._call()

    def _queue_at(self, thread: PooledThread, job: Job) -> None:
        thread.jobs.append(job)
        if thread.asleep:
            if thread.lease is None:
                self._idle.remove(thread)
            self._wake(thread)
        elif thread.standing:  # it stands by for the backlog, and needn't for its own
            thread.standing = False
            thread.wake.release()

    def _call(self) -> None:
        """Call one more thread to the backlog; it calls the next one when it begins.

        Waking a thread for every job makes all of them fight for the interpreter lock. A called thread
        runs only once that lock is free: because the others wait for something, and then one more is
        needed at once, or because they had it for a whole switch interval. So views that compute stay on
        few threads, and views that wait spread over all of them within microseconds.
        """
        if self._idle:
            thread = self._idle.pop()
            self._mark_called(thread)
            self._wake(thread)
        elif self._started < self.size:
            self._mark_called(self._start())
        elif self._spare:
            thread = next(iter(self._spare))  # whose lease has not used it for longest
            self._mark_called(thread)
            self._take_from_lease(thread)

    def _mark_called(self, thread: PooledThread) -> None:
        thread.called = self._calling = True
        thread.seen = -1

    def _uncall(self, thread: PooledThread) -> None:
        if thread.called:
            thread.called = self._calling = False

    def _start(self) -> PooledThread:
        thread = PooledThread()
        name = f"{self._name}-{self._started + 1}"
        threading.Thread(target=self._run, args=(thread,), name=name, daemon=True).start()
        self._started += 1
        return thread

    def _wake(self, thread: PooledThread) -> None:
        thread.asleep = False
        self._asleep -= 1
        thread.wake.release()

    def _give_to_lease(self, thread: PooledThread, lease: Lease) -> None:
        if thread.lease is None:
            thread.lease, lease.thread = lease, thread
            self._leased += 1

    def _take_from_lease(self, thread: PooledThread) -> None:
        lease = thread.lease
        if lease is None:
            return
        self._spare.pop(thread, None)
        thread.lease = lease.thread = None
        self._leased -= 1
        thread.untidy = True
        if thread.asleep:
            self._wake(thread)  # it tidies up, and looks for other work

    # -- on a pooled thread ---------------------------------------------------------------------

    def _run(self, thread: PooledThread) -> None:
        _local.thread = thread
        try:
            while (job := self._next(thread)) is not None:
                job()
                del job  # or the last request stays alive until the next one arrives
        finally:
            if self._at_exit is not None:
                self._at_exit()

    def _next(self, thread: PooledThread) -> Job | None:
        """The next job for `thread`, waiting for it; None when the thread has to end."""
        while True:
            with self._lock:
                if thread.untidy:
                    thread.untidy = False
                    return self._tidy
                if thread.jobs:
                    if thread.called:  # it has something else to do first
                        self._uncall(thread)
                        if self._backlog:
                            self._call()
                    return thread.jobs.popleft()
                if thread.lease is None and not thread.ended:
                    if not self._backlog:
                        self._settle(thread)
                    elif not self._stands_by(thread):
                        return self._begin(thread)
                if thread.ended:
                    return None
                thread.standing, thread.asleep = thread.called, not thread.called
                self._asleep += thread.asleep
            self._wait(thread)

    def _wait(self, thread: PooledThread) -> None:
        """Until somebody wakes `thread`, or, where it stands by, for PATIENCE."""
        if not thread.called:
            thread.wake.acquire()
        elif not thread.wake.acquire(timeout=PATIENCE):
            with self._lock:
                late = not thread.standing  # somebody has woken it since
                thread.standing = False
            if late:
                thread.wake.acquire()

    # -- on a pooled thread, with the lock held -------------------------------------------------

    def _begin(self, thread: PooledThread) -> Job:
        self._uncall(thread)
        job = self._backlog.popleft()
        self._begun = thread.seen = self._begun + 1
        if self._backlog and not self._calling:
            self._call()
        return job

    def _stands_by(self, thread: PooledThread) -> bool:
        """Whether `thread` should leave the backlog to the others, and look again after PATIENCE.

        While the process uses all the processor time the interpreter lock lets it have, another thread
        adds nothing but contention, which the event loop suffers from most. So then the threads that
        work are few, as long as jobs begin: one is always standing by for the moment they don't.
        """
        if self._calling and not thread.called:
            return False  # another one stands by already
        if self._started - self._asleep == 1:
            return False  # nobody else works
        others_began = self._begun - thread.seen > (0 if thread.called else 1)
        if not (others_began and self._pressure.high()):
            return False
        if not thread.called:
            self._mark_called(thread)
        thread.seen = self._begun
        return True

    def _settle(self, thread: PooledThread) -> None:
        """Make `thread`, which has nothing to do, an idle one, or let it end."""
        self._uncall(thread)
        if self._closed:
            thread.ended = True
            self._started -= 1
        else:
            self._idle.append(thread)


class _Pressure:
    """Whether this process keeps a processor busy, over the last few milliseconds."""

    def __init__(self) -> None:
        self._since = time.perf_counter()
        self._used = time.process_time()
        self._high = False

    def high(self) -> bool:
        now = time.perf_counter()
        if (elapsed := now - self._since) >= PATIENCE:
            used = time.process_time()
            self._high = used - self._used > BUSY * elapsed
            self._since, self._used = now, used
        return self._high


class Lease(Executor):
    """Runs the synchronous calls of one request, one at a time.

    They run on one thread, so that they share a connection: the first call takes one from the pool, and
    the lease keeps it until `release`. Between two calls the pool may take that thread away when it has
    no other left, so that requests which only wait hold nobody up; but not while the lease is held
    (`hold`) or something on the thread is the request's own, such as an open transaction (the pool's
    `pinned`). It is what `asgiref.sync.ThreadSensitiveContext(executor=…)` asks for.
    """

    def __init__(self, pool: Threads) -> None:
        self.thread: PooledThread | None = None  # this and all below: guarded by the pool's lock
        self._pool = pool
        self._calls: deque[Job] = deque()
        self._serving = False  # a thread runs the calls, or will
        self._holds = 0
        self._pinned = False
        self._released = False
        self._late = False  # used after its release

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` on the lease's thread; the future carries what it returns or raises."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as exc:  # noqa: BLE001 - the future carries it to the caller
                self._pinned = self._pool._pinned()  # noqa: SLF001
                future.set_exception(exc)
            else:
                self._pinned = self._pool._pinned()  # noqa: SLF001 - before the caller goes on
                future.set_result(result)

        self.run(call)
        return future

    @property
    def pinned(self) -> bool:
        """Whether the last call left something on the thread that is the request's own."""
        return self._pinned

    @property
    def kept(self) -> bool:
        """Whether the thread is the lease's own for now, and nobody else's."""
        return self._pinned or self._holds > 0

    def run(self, job: Job) -> None:
        """Run `job`, which must not raise, on the lease's thread."""
        pool = self._pool
        with pool._lock:  # noqa: SLF001 - the two classes are one mechanism
            self._late = self._late or self._released
            self._released = False
            self._calls.append(job)
            if self._serving:
                return
            self._serving = True
            if self.thread is None:
                pool._queue(self._serve)  # noqa: SLF001
            else:
                pool._spare.pop(self.thread, None)  # noqa: SLF001
                pool._queue_at(self.thread, self._serve)  # noqa: SLF001

    def hold(self) -> None:
        """From its next call on, the lease keeps its thread, until `unhold` was called as often as this."""
        with self._pool._lock:  # noqa: SLF001
            self._holds += 1

    def unhold(self) -> None:
        """Take one `hold` back."""
        pool = self._pool
        with pool._lock:  # noqa: SLF001
            self._holds = max(0, self._holds - 1)  # none is left after `release`
            if self._serving:
                return
            if pool._at_rest is None or self.thread is None:  # noqa: SLF001
                self._rest()
            else:
                self._serving = True
                pool._spare.pop(self.thread, None)  # noqa: SLF001
                pool._queue_at(self.thread, self._serve)  # noqa: SLF001

    def release(self) -> None:
        """Give the thread back once the calls so far have run. Without effect when none was taken.

        A task that outlives the request may go on calling: each time, the thread is given back at once.
        """
        with self._pool._lock:  # noqa: SLF001
            self._released = True
            self._holds = 0
            if not self._serving:
                self._rest()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """As `release`."""
        self.release()

    def _serve(self) -> None:
        thread = cast("PooledThread", _local.thread)
        with self._pool._lock:  # noqa: SLF001
            self._pool._give_to_lease(thread, self)  # noqa: SLF001
        while (call := self._next()) is not None:
            call()
            del call

    def _next(self) -> Job | None:
        """The next call, on the lease's thread; None, once it rests, when there is none."""
        with self._pool._lock:  # noqa: SLF001
            if self._calls:
                return self._calls.popleft()
        pinned = self._pool._pinned()  # noqa: SLF001
        if self._pool._at_rest is not None and not pinned and not self._holds:  # noqa: SLF001
            self._pool._at_rest()  # noqa: SLF001
        with self._pool._lock:  # noqa: SLF001
            if self._calls:
                return self._calls.popleft()
            self._serving = False
            self._pinned = pinned
            self._rest()
        return None

    def _rest(self) -> None:
        """With the lock held: keep the thread, or leave it to whoever needs it, or give it back."""
        pool, thread = self._pool, self.thread
        if thread is None:
            return
        if self._released or (pool._backlog and not self._pinned and not self._holds):  # noqa: SLF001
            pool._take_from_lease(thread)  # noqa: SLF001
        elif self._pinned or self._holds:
            return
        elif self._late:  # nobody will release it again
            pool._take_from_lease(thread)  # noqa: SLF001
        else:
            pool._spare[thread] = self  # noqa: SLF001


class _Local(threading.local):
    thread: PooledThread | None = None


_local = _Local()


def current_thread() -> PooledThread | None:
    """The pooled thread this code runs on, or None outside a pool."""
    return _local.thread
