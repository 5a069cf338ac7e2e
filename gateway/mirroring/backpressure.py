"""Backpressure: the load of this process decides when a mirror waits, and when it is dropped."""

from __future__ import annotations

from math import inf
from typing import Protocol

__all__ = ["Backpressure", "Pressure"]

QUIET = 0.002  # seconds after the last request's arrival, when it is assumed to be answered
BACKLOG = 0.06  # seconds; requests that wait for a thread for as long, at every check, mean pressure
LOOKS = 3  # least number of checks in that time
FADES = 0.1  # seconds in which a measured lag decays to three fifths


class Pressure(Protocol):
    """Whether requests wait for an upstream's threads: implemented by `Legacy`."""

    @property
    def busy(self) -> bool:
        """Whether requests wait."""


class Backpressure:
    """The measured load. Used on the event loop; `now` is always `Clock.monotonic()`.

    No timer runs here: one that fires all the time wakes an idle process and slows its callers (docs/DESIGN.md,
    decision 11).
    """

    __slots__ = ("_backlog_since", "_lag", "_limit", "_looked", "_looks", "_pressure", "arrived")

    def __init__(self, pressure: Pressure, lag: float) -> None:
        self._pressure = pressure
        self._limit = lag
        self._lag = 0.0
        self._looked = -inf
        self._looks = 0  # checks in a row at which requests waited for a thread
        self._backlog_since = 0.0
        self.arrived = -inf  # arrival of the last request

    def look(self, now: float, late: float) -> None:
        """Note that something ran on the event loop `late` seconds after it was due."""
        self._lag = max(late, self._lag_at(now))
        self._looked = now
        if not self._pressure.busy:
            self._looks = 0
            return
        if not self._looks:
            self._backlog_since = now
        self._looks += 1

    def pressed(self, now: float) -> str | None:
        """Why mirrors must not run now, in a word; None when they may."""
        if self._lag > self._limit and self._lag_at(now) > self._limit:
            return "lag"
        if self._looks >= LOOKS and now - self._backlog_since >= BACKLOG and self._pressure.busy:
            return "busy"
        return None

    @property
    def busy(self) -> bool:
        """Whether requests wait for a thread now."""
        return self._pressure.busy

    def quiet(self, now: float) -> bool:
        """Whether no request has arrived for QUIET seconds."""
        return now - self.arrived >= QUIET

    def _lag_at(self, now: float) -> float:
        return self._lag * 0.6 ** ((now - self._looked) / FADES) if self._lag else 0.0
