"""Log warnings of which there may be thousands: the first is logged at once, the others are summarised at intervals."""

from __future__ import annotations

import logging

from gateway.clock import SYSTEM, Clock

__all__ = ["ThrottledWarnings"]

MOST = 1000  # keys that are kept


class ThrottledWarnings:
    """Logs warnings to `logger`, at most one per key in `seconds`."""

    def __init__(self, logger: logging.Logger, clock: Clock = SYSTEM, seconds: float = 10.0) -> None:
        self._logger = logger
        self._clock = clock
        self._seconds = seconds
        self._said: dict[str, tuple[float, int]] = {}  # time of the last one, and how many were left out since

    def warn(self, key: str, message: str, *args: object) -> None:
        """Log `message`, with the number of those with this `key` that were left out before; or leave it out."""
        now = self._clock.monotonic()
        since, left_out = self._said.get(key, (-self._seconds, 0))
        if now - since < self._seconds:
            self._said[key] = since, left_out + 1
            return
        if len(self._said) >= MOST:
            self._said.clear()
        self._said[key] = now, 0
        if left_out:
            message = f"{message} (and {left_out} more in {now - since:.0f} s)"
        self._logger.warning(message, *args)
