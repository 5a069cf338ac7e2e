"""Who waits for a thread of the Django project: so many, for so long, and some in a line of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.dispatch.errors import UpstreamError

__all__ = ["RETRY_AFTER", "Line", "Saturated", "Waiting", "is_reserved"]

RETRY_AFTER = 5  # seconds that a caller is asked to stay away
LOOKS = 4  # at those who wait, in the time that they may


class Saturated(UpstreamError):
    """There is no thread for a request, and there won't be one soon enough."""

    def __init__(self, message: str) -> None:
        super().__init__(503, message)
        self.headers = [(b"retry-after", str(RETRY_AFTER).encode())]


@dataclass(eq=False, slots=True)
class Waiting:
    """One request that may wait for a thread. `waits`: it does now. `refuse` takes it out, unless its turn has come.

    `seen` is how often in a row it was found waiting; that it does at first is taken for granted.
    """

    waits: Callable[[], bool]
    refuse: Callable[[], None]
    seen: int = 1


class Line:
    """The requests that wait for a thread while none is free: each for `seconds`, and at most a quarter more.

    They are looked at together, four times in that span: a timer for each, nearly all of which are never due, would
    cost every request more than all of the rest here.
    """

    __slots__ = ("_loop", "_timer", "_waiting", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: dict[Waiting, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def length(self) -> int:
        """How many wait, as far as was looked."""
        return sum(waiting.seen > 0 for waiting in self._waiting)

    def join(self, waiting: Waiting) -> None:
        """Look at this request from now on, until it is to `leave`."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a process may run one after another
            self._loop, self._timer, self._waiting = loop, None, {}
        self._waiting[waiting] = None
        if self._timer is None:
            self._timer = loop.call_later(self.seconds / LOOKS, self._look, loop)

    def leave(self, waiting: Waiting) -> None:
        """This request is over."""
        self._waiting.pop(waiting, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        for waiting in [*self._waiting]:
            waiting.seen = waiting.seen + 1 if waiting.waits() else 0
            if waiting.seen > LOOKS + 1:
                del self._waiting[waiting]
                waiting.refuse()
        self._timer = loop.call_later(self.seconds / LOOKS, self._look, loop) if self._waiting else None


def is_reserved(path: str, prefixes: Sequence[str]) -> bool:
    """Whether `path` is one of these or below one, by whole segments."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)
