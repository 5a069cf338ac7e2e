"""Requests that wait for a thread of the Django project: how many, how long, and in which line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.dispatch.errors import UpstreamError

__all__ = ["RETRY_AFTER", "Line", "Saturated", "Waiting", "is_reserved"]

RETRY_AFTER = 5  # seconds, for the header of that name
LOOKS = 4  # how often the line is checked within the time that a request may wait


class Saturated(UpstreamError):
    """No thread is free for a request, and none will be soon enough."""

    def __init__(self, message: str) -> None:
        super().__init__(503, message)
        self.headers = [(b"retry-after", str(RETRY_AFTER).encode())]


@dataclass(eq=False, slots=True)
class Waiting:
    """One request that may wait for a thread. `waits`: it waits now. `refuse` gives it up, unless it was just started.

    `seen` counts the checks in a row that found it waiting.
    """

    waits: Callable[[], bool]
    refuse: Callable[[], None]
    seen: int = 1


class Line:
    """The requests that wait for a thread: each for `seconds`, and at most a quarter longer.

    All are checked together, four times in that span: a timer for each request, nearly all of which never fire, would
    cost more than the rest of this class.
    """

    __slots__ = ("_loop", "_timer", "_waiting", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: dict[Waiting, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def length(self) -> int:
        """How many wait, as of the last check."""
        return sum(waiting.seen > 0 for waiting in self._waiting)

    def join(self, waiting: Waiting) -> None:
        """Check this request from now on, until it calls `leave`."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a process may run several loops, one after another
            self._loop, self._timer, self._waiting = loop, None, {}
        self._waiting[waiting] = None
        if self._timer is None:
            self._timer = loop.call_later(self.seconds / LOOKS, self._look, loop)

    def leave(self, waiting: Waiting) -> None:
        """Stop checking this request: it is over."""
        self._waiting.pop(waiting, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        for waiting in [*self._waiting]:
            waiting.seen = waiting.seen + 1 if waiting.waits() else 0
            if waiting.seen > LOOKS + 1:
                del self._waiting[waiting]
                waiting.refuse()
        self._timer = loop.call_later(self.seconds / LOOKS, self._look, loop) if self._waiting else None


def is_reserved(path: str, prefixes: Sequence[str]) -> bool:
    """Whether `path` is one of `prefixes` or below one, by whole segments."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)
