"""Pauses before a process that has ended is started again: doubled with each failure in a row."""

from __future__ import annotations

__all__ = ["SETTLED", "Backoff"]

# Seconds.
SETTLED = 30.0  # a process that has run this long has started successfully
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


class Backoff:
    """The pauses for one process. `failures` is the number of failures in a row."""

    def __init__(self) -> None:
        self.failures = 0

    def fail(self) -> float:
        """Note a failure. Returns the seconds to wait before the next attempt: the first pause, then doubled each
        time."""
        self.failures += 1
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.failures - 1, 10))

    def reset(self) -> None:
        """Start over with the first pause."""
        self.failures = 0
