"""Greenlets: in one, synchronous middleware can wait without blocking its thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import cast

from greenlet import getcurrent, greenlet

from gateway.bridge.protocols import MiddlewareRun

__all__ = ["Greenlet", "Raised", "current_run"]

MOST_SPARE = 32  # greenlets that a thread keeps for later


class Greenlet(greenlet):
    """What a run through the middleware is in. Each needs memory of its own from the system, so they are used again."""

    middleware_run: MiddlewareRun | None = None
    call: Callable[[], object]

    @classmethod
    def of(cls, middleware_run: MiddlewareRun, call: Callable[[], object]) -> Greenlet:
        """One that runs `call` for `middleware_run` on this thread, to be switched to."""
        waiting = _spare.greenlets.pop() if _spare.greenlets else cls()
        waiting.middleware_run = middleware_run
        waiting.call = call
        return waiting

    def run(self) -> None:
        """One run after another. Switching here starts the next; what comes back is how it ended."""
        while self.middleware_run is not None:
            ended: list[object] = []
            try:
                ended.append(self.call())
            except BaseException as exc:  # noqa: BLE001 - sys.exit() in a middleware ends the request, not the thread
                ended.append(Raised(exc))
            self.middleware_run = None
            del self.call
            if len(_spare.greenlets) < MOST_SPARE:
                _spare.greenlets.append(self)
            cast("greenlet", self.parent).switch(ended.pop())


class Raised:
    """How a run ended that raised `error`."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Spare(threading.local):
    """The greenlets of this thread that have nothing to do."""

    def __init__(self) -> None:
        self.greenlets: list[Greenlet] = []


_spare = _Spare()


def current_run() -> MiddlewareRun:
    """The run through the middleware that this code is part of. Raises RuntimeError outside of one."""
    current = getcurrent()
    if not isinstance(current, Greenlet) or current.middleware_run is None:
        raise RuntimeError("this is no middleware around a service")
    return current.middleware_run
