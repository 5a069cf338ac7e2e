"""How much else this process has to do: when a mirror waits, and when it is dropped."""

from __future__ import annotations

from math import inf
from typing import Protocol

__all__ = ["Backpressure", "Pressure"]

QUIET = 0.002  # seconds since a request came, after which the process is taken to have answered it
BACKLOG = 0.06  # seconds for which requests have waited for a thread at every look: each waits until its thread wakes
LOOKS = 3  # at least, in that time
FADES = 0.1  # seconds in which two fifths of a lag are forgotten: a single stall is remembered for a while


class Pressure(Protocol):
    """Whether requests wait for an upstream: `Legacy` knows."""

    @property
    def busy(self) -> bool:
        """They do."""


class Backpressure:
    """What was seen of it. Used on the event loop; `now` is always `Clock.monotonic()`.

    Nothing here runs by itself: a timer that fires all the time wakes an idle process and slows its callers
    (docs/DESIGN.md, decision 11).
    """

    __slots__ = ("_backlog_since", "_lag", "_limit", "_looked", "_looks", "_pressure", "arrived")

    def __init__(self, pressure: Pressure, lag: float) -> None:
        self._pressure = pressure
        self._limit = lag
        self._lag = 0.0
        self._looked = -inf
        self._looks = 0  # in a row at which requests waited for a thread
        self._backlog_since = 0.0
        self.arrived = -inf  # when the last request came; set for each

    def look(self, now: float, late: float) -> None:
        """Something was to run on the event loop `late` seconds ago, and runs now."""
        self._lag = max(late, self._lag_at(now))
        self._looked = now
        if not self._pressure.busy:
            self._looks = 0
            return
        if not self._looks:
            self._backlog_since = now
        self._looks += 1

    def pressed(self, now: float) -> str | None:
        """Why callers need all there is now, in a word; None when they don't."""
        if self._lag > self._limit and self._lag_at(now) > self._limit:
            return "lag"
        if self._looks >= LOOKS and now - self._backlog_since >= BACKLOG and self._pressure.busy:
            return "busy"
        return None

    @property
    def busy(self) -> bool:
        """Whether requests wait for a thread at this moment."""
        return self._pressure.busy

    def quiet(self, now: float) -> bool:
        """Whether no request has come for a moment."""
        return now - self.arrived >= QUIET

    def _lag_at(self, now: float) -> float:
        return self._lag * 0.6 ** ((now - self._looked) / FADES) if self._lag else 0.0
