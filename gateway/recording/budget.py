"""Limits the share of its time that a process spends on recordings; requests beyond it are skipped."""

from __future__ import annotations

__all__ = ["BURST", "SHARE", "TimeBudget"]

SHARE = 0.03  # of elapsed time
BURST = 0.05  # seconds that may be spent at once after an idle period
KEEPING = 6.0  # cost of keeping a request on the event loop, as a multiple of analysing it
FIRST = 8e-6  # seconds that an analysis is assumed to take before the first one


class TimeBudget:
    """Seconds of processor time. `spent` is the total of the other thread, which alone adds to it; only the event loop
    calls `allows`. The cost of keeping requests is not measured, but estimated from the shortest analyses."""

    __slots__ = ("_at", "_left", "_look", "_seen", "spent")

    def __init__(self, now: float) -> None:
        self.spent = self._seen = 0.0
        self._look = FIRST
        self._left = BURST
        self._at = now

    def allows(self, now: float) -> bool:
        """Whether another request may be kept at `now` (`Clock.monotonic()`); if so, its cost is deducted."""
        spent = self.spent
        self._left = min(BURST, self._left + (now - self._at) * SHARE - (spent - self._seen))
        self._at, self._seen = now, spent
        if self._left <= 0:
            return False
        self._left -= KEEPING * self._look
        return True

    def spend(self, seconds: float) -> None:
        """Add the time of one analysis on the other thread."""
        self.spent += seconds
        self._look += (min(seconds, 2 * self._look) - self._look) / 16
