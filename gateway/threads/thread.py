"""One thread of a pool, and the hooks that the pool calls on it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = [
    "NO_HOOKS",
    "Holder",
    "Hooks",
    "Job",
    "PooledThread",
    "current_thread",
    "run_for",
    "run_job",
    "set_current_thread",
]

logger = logging.getLogger("gateway")

Job = Callable[[], object]
T = TypeVar("T")


class Holder(Protocol):
    """The owner of a leased thread: a `Lease`."""

    thread: PooledThread | None


class PooledThread:
    """One thread of a pool. The lock of the pool's schedule guards everything but `wake`."""

    __slots__ = ("asleep", "ended", "jobs", "lease", "seen", "standby", "untidy", "used", "wake")

    def __init__(self) -> None:
        self.wake = threading.Lock()
        self.wake.acquire()
        self.asleep = False  # waits on `wake`
        self.standby = False  # waits on `wake`, for PATIENCE at most
        self.seen = 0  # how many jobs the pool had begun when this thread last looked
        self.lease: Holder | None = None  # that keeps it for now
        self.used = True  # the lease that keeps it has left something on it for `tidy`
        self.untidy = False  # a lease released it, and `tidy` has not run since
        self.ended = False
        self.jobs: deque[Job] = deque()  # jobs that must run on this thread


def _nothing_pinned() -> int:
    return 0


def _always() -> bool:
    """Default: there may always be something to clean up."""
    return True


def _nothing_to_tidy() -> None:
    """Default: there is nothing to clean up."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Callbacks that a pool calls on its threads.

    `pinned` returns how much state on the thread, such as open transactions, requires a lease to keep it. `on_idle`
    runs when a lease has nothing to do for now and needn't keep its thread, `tidy` after a lease has released it, if
    `used` returned True after the lease's last call, `at_exit` when the thread ends.
    """

    at_exit: Job | None = None
    pinned: Callable[[], int] = _nothing_pinned
    on_idle: Job | None = None
    used: Callable[[], bool] = _always
    tidy: Job = _nothing_to_tidy


NO_HOOKS = Hooks()


def run_job(job: Job) -> None:
    """Run `job`. One that raises, though jobs must not, is logged and doesn't end its thread."""
    try:
        job()
    except BaseException:
        logger.exception("a job failed on a thread")


def run_for(future: Future[T], call: Callable[[], T], before_it_ends: Job | None = None) -> None:
    """Run `call`, unless `future` was cancelled, and set the future to its result or exception. Just before that,
    `before_it_ends` is called."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as exc:  # noqa: BLE001 - the future carries it to the caller
        if before_it_ends is not None:
            before_it_ends()
        future.set_exception(exc)
    else:
        if before_it_ends is not None:
            before_it_ends()
        future.set_result(result)


class _Local(threading.local):
    thread: PooledThread | None = None


_local = _Local()


def current_thread() -> PooledThread | None:
    """The pooled thread that runs this code, or None outside of a pool."""
    return _local.thread


def set_current_thread(thread: PooledThread) -> None:
    """Register `thread` as the one that runs this code."""
    _local.thread = thread
