"""Where the gateway reads the time. Whatever decides by time is passed a clock, so that a test can pass another."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["SYSTEM", "Clock", "SystemClock", "utc_now"]


class Clock(Protocol):
    """`monotonic` is for durations, `time` for what is shown or stored."""

    def monotonic(self) -> float:
        """Seconds since an unknown moment; never goes back."""

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""


class SystemClock:
    """The machine's."""

    __slots__ = ()

    monotonic = staticmethod(time.perf_counter)
    time = staticmethod(time.time)


SYSTEM = SystemClock()


def utc_now(clock: Clock = SYSTEM) -> datetime:
    """This moment, in UTC."""
    return datetime.fromtimestamp(clock.time(), UTC)
