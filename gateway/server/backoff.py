"""How long to wait before a process that has ended is started again: longer each time that it fails anew."""

from __future__ import annotations

__all__ = ["SETTLED", "Backoff"]

# Seconds.
SETTLED = 30.0  # a process that has run so long has not died of its start
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


class Backoff:
    """The pauses of one process. `failures` is how often it has failed in a row."""

    def __init__(self) -> None:
        self.failures = 0

    def fail(self) -> float:
        """Note a failure. Returns the seconds to wait before the next try: the first pause, then twice the last."""
        self.failures += 1
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.failures - 1, 10))

    def reset(self) -> None:
        """Begin again with the first pause."""
        self.failures = 0
