"""How much of its time a process gives to recordings. What takes longer is left out."""

from __future__ import annotations

__all__ = ["BURST", "SHARE", "Budget"]

SHARE = 0.03  # of the time that passes
BURST = 0.05  # seconds that may be spent at once, after some in which nothing was
KEEPING = 3.3  # times what looking at a request takes, in steps of the interpreter, keeping it takes on the event loop
FIRST = 8e-6  # seconds that looking at one is taken to take before one was looked at


class Budget:
    """Seconds of processor time. `spent` is what another thread has spent altogether; only that one adds to it, and
    only the event loop asks. What keeping requests takes is not measured, but estimated by the shortest looks."""

    __slots__ = ("_at", "_left", "_look", "_seen", "spent")

    def __init__(self, now: float) -> None:
        self.spent = self._seen = 0.0
        self._look = FIRST
        self._left = BURST
        self._at = now

    def allows(self, now: float) -> bool:
        """Whether one more request may be kept, at `now` of `Clock.monotonic()`; it is then paid for."""
        spent = self.spent
        self._left = min(BURST, self._left + (now - self._at) * SHARE - (spent - self._seen))
        self._at, self._seen = now, spent
        if self._left <= 0:
            return False
        self._left -= KEEPING * self._look
        return True

    def spend(self, seconds: float) -> None:
        """The other thread has looked at one request for so long."""
        self.spent += seconds
        self._look += (min(seconds, 2 * self._look) - self._look) / 16
