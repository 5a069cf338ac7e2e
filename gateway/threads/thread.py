"""One thread of a pool, and what the pool is told of what jobs leave on it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["NO_HOOKS", "Holder", "Hooks", "Job", "PooledThread", "current_thread", "run_job", "set_current_thread"]

logger = logging.getLogger("gateway")

Job = Callable[[], object]


class Holder(Protocol):
    """What keeps a thread for itself: a `Lease`."""

    thread: PooledThread | None


class PooledThread:
    """One thread of a pool. The lock of the pool's schedule guards everything but `wake`."""

    __slots__ = ("asleep", "ended", "jobs", "lease", "seen", "signalled", "standby", "untidy", "wake")

    def __init__(self) -> None:
        self.wake = threading.Lock()
        self.wake.acquire()
        self.asleep = False  # waits on `wake`
        self.signalled = False  # is to help with the backlog, and has not begun
        self.standby = False  # waits on `wake`, for PATIENCE at most
        self.seen = 0  # how many jobs the pool had begun when this thread last looked
        self.lease: Holder | None = None  # which keeps it for the time being
        self.untidy = False  # a lease left it, and `tidy` has not run since
        self.ended = False
        self.jobs: deque[Job] = deque()  # what must run on this thread and no other


def _nothing_pinned() -> int:
    return 0


def _nothing_to_tidy() -> None:
    """What leaves nothing on threads needs no cleaning up."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a pool calls on its threads.

    `pinned` says how much of what the jobs left on a thread, such as open transactions, makes a lease keep it.
    `on_idle` runs when a lease has nothing to do there for now and needn't keep it, `tidy` after a lease has left it,
    `at_exit` as the thread ends.
    """

    at_exit: Job | None = None
    pinned: Callable[[], int] = _nothing_pinned
    on_idle: Job | None = None
    tidy: Job = _nothing_to_tidy


NO_HOOKS = Hooks()


def run_job(job: Job) -> None:
    """Run `job`. One that raises, though jobs must not, is logged and doesn't end its thread."""
    try:
        job()
    except BaseException:
        logger.exception("a job failed on a thread")


class _Local(threading.local):
    thread: PooledThread | None = None


_local = _Local()


def current_thread() -> PooledThread | None:
    """The pooled thread this code runs on, or None outside a pool."""
    return _local.thread


def set_current_thread(thread: PooledThread) -> None:
    """This code runs on `thread`."""
    _local.thread = thread
