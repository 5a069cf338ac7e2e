"""Until when a service has to begin its answers."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Deadlines", "is_cancelled", "must_pass"]


def is_cancelled(error: BaseException) -> bool:
    """Whether the current task is being cancelled; what it calls may raise a CancelledError of its own."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def must_pass(error: BaseException) -> bool:
    """Whether nobody may take `error` for the failure of an application: the task is to end, or the process.

    All else is one, whatever it derives from: a panic in an extension written in Rust is no Exception.
    """
    return isinstance(error, KeyboardInterrupt | GeneratorExit) or is_cancelled(error)


class Deadlines:
    """The requests that wait for one service to begin its answer, for at most `seconds` each.

    They all have the same time, so they are due in the order in which they came: one timer watches the oldest. A timer
    for each, nearly all of which are cancelled, would cost every request more than all of the rest here. A request is
    whatever object stands for it. `late` are those that were cancelled, and about which `expired` was not asked since.
    """

    __slots__ = ("_loop", "_timer", "_waiting", "late", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: dict[object, tuple[float, asyncio.Task[Any] | None]] = {}  # until when, and what to cancel then
        self.late: dict[object, asyncio.Task[Any]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def arm(self, request: object) -> None:
        """From now on `request` waits. The current task is cancelled when it is not `disarm`ed in time."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a process may run one after another
            self._loop, self._timer, self._waiting, self.late = loop, None, {}, {}
        due = loop.time() + self.seconds
        self._waiting[request] = due, asyncio.current_task(loop)
        if self._timer is None:
            self._timer = loop.call_at(due, self._look, loop)

    def disarm(self, request: object) -> None:
        """The answer to `request` has begun, or nobody waits for it any more."""
        self._waiting.pop(request, None)

    def rearm(self, request: object) -> None:
        """All of its time is there again for `request`, unless its answer has begun."""
        waiting = self._waiting.pop(request, None)
        if waiting is not None and self._loop is not None:
            self._waiting[request] = self._loop.time() + self.seconds, waiting[1]  # the last that is due, as it must be

    def expired(self, request: object) -> bool:
        """Whether the time of `request` has passed, in the end; to be asked once. The task that was cancelled for it
        then goes on, unless somebody else has cancelled it too."""
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
            if task is not None:  # always: an application runs in one
                self.late[request] = task
                task.cancel()
