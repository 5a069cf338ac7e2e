"""Deadlines by which a service must start its responses."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Deadlines", "is_cancelled", "must_pass"]


def is_cancelled(error: BaseException) -> bool:
    """Whether the current task is being cancelled. Code that it calls may raise a CancelledError without that."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def must_pass(error: BaseException) -> bool:
    """Whether `error` must not be treated as an application's failure, since the task or the process is to end.

    Everything else is a failure, whatever its base class: a panic in an extension written in Rust is no Exception.
    """
    return isinstance(error, KeyboardInterrupt | GeneratorExit) or is_cancelled(error)


class Deadlines:
    """Requests that wait for one service to start its response, at most `seconds` each.

    All have the same timeout, so they expire in the order of their arrival, and one timer for the oldest is enough. A
    timer for each request, nearly all of which are cancelled, would cost more than the rest of this class. Any hashable
    object can stand for a request. `late` are requests that were cancelled and not yet passed to `expired`.
    """

    __slots__ = ("_loop", "_timer", "_waiting", "late", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: dict[object, tuple[float, asyncio.Task[Any] | None]] = {}  # deadline, and the task to cancel
        self.late: dict[object, asyncio.Task[Any]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def arm(self, request: object) -> None:
        """Start the deadline of `request`. The current task is cancelled unless `disarm` is called in time."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a process may run several loops, one after another
            self._loop, self._timer, self._waiting, self.late = loop, None, {}, {}
        due = loop.time() + self.seconds
        self._waiting[request] = due, asyncio.current_task(loop)
        if self._timer is None:
            self._timer = loop.call_at(due, self._look, loop)

    def disarm(self, request: object) -> None:
        """Stop the deadline: the response has started, or isn't needed any more."""
        self._waiting.pop(request, None)

    def rearm(self, request: object) -> None:
        """Restart the deadline with its full time, unless the response has started."""
        waiting = self._waiting.pop(request, None)
        if waiting is not None and self._loop is not None:
            self._waiting[request] = self._loop.time() + self.seconds, waiting[1]  # last, which keeps the order

    def expired(self, request: object) -> bool:
        """Whether `request` was cancelled at its deadline; call it once, at the end. It also takes back the
        cancellation of the task, unless something else has cancelled it too."""
        self._waiting.pop(request, None)
        task = self.late.pop(request, None)
        return task is not None and task.uncancel() == 0

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._timer = None
        for request, (due, task) in [*self._waiting.items()]:
            if due > now:
                self._timer = loop.call_at(due, self._look, loop)
                break
            del self._waiting[request]
            if task is not None:  # always true: an application runs in a task
                self.late[request] = task
                task.cancel()
