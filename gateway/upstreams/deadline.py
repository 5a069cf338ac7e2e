"""Until when a service has to begin its answers."""

from __future__ import annotations

import asyncio
from typing import cast

__all__ = ["Deadline", "Deadlines"]


class Deadlines:
    """The requests that wait for one service to begin its answer, for at most `seconds` each.

    They all have the same time, so they are due in the order in which they came: one timer watches the oldest. A timer
    for each, nearly all of which are cancelled, would cost every request more than all of the rest here.
    """

    __slots__ = ("_loop", "_timer", "_waiting", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: dict[Deadline, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Deadline:
        """One for the current task, which is cancelled when it is not `met` in time."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a process may run one after another
            self._loop, self._timer, self._waiting = loop, None, {}
        task = cast("asyncio.Task[object]", asyncio.current_task())
        deadline = Deadline(self._waiting, task, loop.time(), self.seconds)
        if self._timer is None:
            self._timer = loop.call_at(deadline.due, self._look, loop)
        return deadline

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._timer = None
        for deadline in [*self._waiting]:
            if deadline.due > now:
                self._timer = loop.call_at(deadline.due, self._look, loop)
                break
            deadline.expire()


class Deadline:
    """One request's."""

    __slots__ = ("_cancels", "_seconds", "_task", "_waiting", "due", "expired")

    def __init__(self, waiting: dict[Deadline, None], task: asyncio.Task[object], now: float, seconds: float) -> None:
        self._waiting = waiting
        self._task = task
        self._seconds = seconds
        self.due = now + seconds
        self.expired = self._cancels = False
        waiting[self] = None

    def met(self) -> None:
        """The answer has begun, or nobody waits for it any more."""
        self._waiting.pop(self, None)

    def again(self) -> None:
        """All of the time is there again, unless the answer has begun."""
        if self in self._waiting:
            del self._waiting[self]
            self.due = self._task.get_loop().time() + self._seconds
            self._waiting[self] = None  # the last that is due, as it has to be

    def expire(self) -> None:
        """It is over: cancel the task."""
        del self._waiting[self]
        self.expired = self._cancels = True
        self._task.cancel()

    def passed(self) -> bool:
        """Whether it has passed, in the end. The task that was cancelled for it then goes on, unless somebody else has
        cancelled it too."""
        if self._cancels:
            self._cancels = False
            self.expired = self._task.uncancel() == 0
        elif not self.expired:
            self._waiting.pop(self, None)
        return self.expired
