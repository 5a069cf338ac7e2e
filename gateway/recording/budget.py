"""Limits the share of its time that a process spends on recordings; requests beyond it are skipped."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["BURST", "METERED", "SHARE", "TimeBudget"]

SHARE = 0.03  # of the process's own processor time
IDLE_SHARE = 0.01  # of elapsed time, if that is more
BURST = 0.05  # seconds that may be spent at once after an idle period
UNSEEN = 8.0  # all of the cost, as a multiple of what is measured (bench/NOTES.md)
METERED = 8  # one request of this many is measured
FIRST = 3e-5  # seconds that keeping a request is assumed to take before the first is measured


class TimeBudget:
    """Seconds of processor time. `analysed` and `stored` are the totals of two other threads, each of which alone adds
    to its own; only the event loop calls the methods. The cost of keeping a request, on its own threads, is measured
    for one of METERED, and `processor` measures the process."""

    __slots__ = ("_at", "_counted", "_keeping", "_left", "_processor", "_seen", "_used", "analysed", "stored")

    def __init__(self, now: float, processor: Callable[[], float] = time.process_time) -> None:
        self.analysed = self.stored = self._seen = 0.0
        self._keeping = FIRST
        self._left = BURST
        self._at = now
        self._processor = processor
        self._used = processor()
        self._counted = -1

    def allows(self, now: float) -> bool:
        """Whether another request may be kept at `now` (`Clock.monotonic()`); if so, its cost is deducted."""
        spent = self.analysed + self.stored
        self._left -= UNSEEN * (spent - self._seen)
        self._seen = spent
        if self._left <= 0 and not self._earns(now):
            return False
        self._left -= UNSEEN * self._keeping
        return True

    def _earns(self, now: float) -> bool:
        """Add what was earned since the last time. It takes a system call, so only once all was spent."""
        used = self._processor()
        earned = max((used - self._used) * SHARE, (now - self._at) * IDLE_SHARE)
        self._left += min(BURST, earned)
        self._used, self._at = used, now
        return self._left > 0

    def meters(self) -> bool:
        """Whether the next request that is kept is to be measured."""
        self._counted += 1
        return self._counted % METERED == 0

    def measured(self, seconds: float) -> None:
        """Keeping a request took this long. A single one that took far longer than others hardly matters."""
        self._keeping += (min(seconds, 4 * self._keeping) - self._keeping) / 16
