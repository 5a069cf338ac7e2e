"""The gateway's clock. Code that depends on time is passed a Clock, so that a test can pass another."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["SYSTEM", "Clock", "SystemClock", "utc_now"]


class Clock(Protocol):
    """`monotonic` is for durations, `time` for timestamps that are shown or stored."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""


class SystemClock:
    """The clock of the operating system."""

    __slots__ = ()

    monotonic = staticmethod(time.perf_counter)
    time = staticmethod(time.time)


SYSTEM = SystemClock()


def utc_now(clock: Clock = SYSTEM) -> datetime:
    """The current time, in UTC."""
    return datetime.fromtimestamp(clock.time(), UTC)
