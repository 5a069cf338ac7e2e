"""Endpoints whose mirrors block the event loop: how long they did, and which aren't mirrored for a while."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Self

from gateway.clock import Clock

__all__ = ["FIRST", "LONGEST", "StallGuard", "StallTimer"]

logger = logging.getLogger("gateway.parity")

BEAT = 0.05  # seconds between two checks of the event loop, while a mirror runs
IN_A_ROW = 2  # mirrors: a single one may have another cause
FIRST = 10.0  # seconds without mirrors then; doubled each time it happens again
LONGEST = 600.0


class StallTimer:
    """Measures, while its block runs, the `longest` time in seconds for which the event loop ran nothing else."""

    __slots__ = ("_clock", "_due", "_timer", "longest")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.longest = 0.0

    def __enter__(self) -> Self:
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._look()

    def _wait(self) -> None:
        self._due = self._clock.monotonic() + BEAT
        self._timer = asyncio.get_running_loop().call_later(BEAT, self._beat)

    def _beat(self) -> None:
        self._look()
        self._wait()

    def _look(self) -> None:
        self.longest = max(self.longest, self._clock.monotonic() - self._due)


class StallGuard:
    """The endpoints whose mirrors recently blocked the event loop, for `limit` seconds or longer each time.

    An endpoint is its route and its template. `now` is `Clock.monotonic()`.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._times: dict[tuple[str, str], int] = {}  # mirrors in a row
        self._until: dict[tuple[str, str], float] = {}

    def spares(self, route: str, template: str, now: float) -> bool:
        """Whether this endpoint is not mirrored now."""
        return bool(self._until) and now < self._until.get((route, template), 0.0)

    def note(self, route: str, template: str, seconds: float, now: float) -> None:
        """Note that a mirror has ended during which the event loop was blocked for `seconds`."""
        key = route, template
        if seconds < self._limit:
            if self._times:
                self._times.pop(key, None)
                self._until.pop(key, None)
            return
        times = self._times[key] = self._times.get(key, 0) + 1
        if times < IN_A_ROW:
            return
        pause = min(FIRST * 2.0 ** (times - IN_A_ROW), LONGEST)
        self._until[key] = now + pause
        logger.warning(
            "route %r: %s: the event loop stood still for %.2f s during its mirrors, so there are none for %g s. "
            "What waits without await belongs in a plain def",
            route, template, seconds, pause,
        )  # fmt: skip
