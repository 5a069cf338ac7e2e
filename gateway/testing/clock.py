"""A clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["FrozenClock"]


class FrozenClock:
    """A `gateway.clock.Clock` that a test moves. It starts at `start`, by default the first day of 2025, UTC."""

    def __init__(self, start: datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> None:
        self._start = start.timestamp()
        self._passed = 0.0

    def __repr__(self) -> str:
        return f"FrozenClock({datetime.fromtimestamp(self.time(), UTC).isoformat()})"

    def monotonic(self) -> float:
        """Seconds that `advance` let pass."""
        return self._passed

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._start + self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises ValueError for a negative number: no clock here goes back."""
        if seconds < 0:
            raise ValueError(f"a clock can't be turned back by {-seconds} seconds")
        self._passed += seconds
