"""Counts requests and mirrors by route, in counter windows of ten seconds, for the guard and `gateway status`.

The event loop's thread adds; any other thread may take a copy. Neither needs a lock, because:

- only one thread adds, so two `+= 1` never overlap;
- both threads use only `dict.copy`, `list.copy`, `dict.pop`, single stores and single loads. Each is atomic: under the
  interpreter lock, and in free-threaded builds by the lock that each dict and list has of its own;
- `take` may see a request that is counted in part. `request` counts the request first and its errors later, `copy`
  reads in the opposite order, so a copy never has more errors than requests; and the values of a window are absolute,
  so that the next `take` corrects it;
- `forget` removes only windows that had ended before `take`, and never the current one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from zlib import crc32

from gateway.clock import SYSTEM, Clock
from gateway.stats.histogram import BOUNDS
from gateway.stats.tally import COUNTER_WINDOW, ERROR, FEW, SAMPLED, Mirrored, Tally
from gateway.stats.traffic import Traffic

__all__ = ["KEPT", "Counters", "Counts"]

KEPT = 60  # windows: ten minutes during which the database may be unavailable
# Seconds by which the clock may be set back while counting stays in the current window. When it is set back further,
# earlier windows are counted anew, and replace what is stored of them.
SET_BACK = 60.0


@dataclass(frozen=True, slots=True)
class Counts:
    """A copy of a process's counters. Immutable.

    `windows` are the starts of its counter windows, in seconds since 1970, in order. `tallies` is by route, side and
    window, `mirrored` by route and window. Windows that began before `settled` are over: nothing is added to them any
    more. `lost` is how many requests and mirrors were dropped since the process started, because there were more than
    KEPT windows.
    """

    windows: tuple[int, ...]
    tallies: Mapping[tuple[str, str, int], Tally]
    mirrored: Mapping[tuple[str, int], Mirrored]
    settled: int
    lost: int

    def side(self, route: str, side: str, since: float = 0.0) -> Tally:
        """One side of a route, over all windows that began at `since` or later."""
        total = Tally()
        for window in self.windows:
            if window >= since and (tally := self.tallies.get((route, side, window))) is not None:
                total.merge(tally)
        return total

    def mirrors(self, route: str, since: float = 0.0) -> Mirrored:
        """A route's mirrors, over all windows that began at `since` or later."""
        total = Mirrored()
        for window in self.windows:
            if window >= since and (seen := self.mirrored.get((route, window))) is not None:
                total.merge(seen)
        return total


class _CounterWindow:
    """The counts of one window."""

    __slots__ = ("earliest", "end", "mirrored", "start", "tallies")

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start + COUNTER_WINDOW
        self.earliest = start - SET_BACK
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.mirrored: dict[str, Mirrored] = {}

    def size(self) -> int:
        """How many requests and mirrors it counts."""
        requests = sum(tally.requests for tally in self.tallies.values())
        return requests + sum(seen.mirrored for seen in self.mirrored.values())


class Counters:
    """Everything that a process counts, in windows of `COUNTER_WINDOW` seconds of `clock.time()`, of which the last
    `KEPT` are kept.

    `key` is a secret of the installation, with which callers' addresses are hashed.
    """

    __slots__ = ("_current", "_lost", "_salt", "_time", "_windows", "refused", "traffic")

    def __init__(self, clock: Clock = SYSTEM, key: bytes = b"") -> None:
        self._time = clock.time
        self._salt = crc32(key)  # the same in every process of an installation
        self._lost = 0
        self.refused: dict[str, int] = {}  # refused requests, by status
        self.traffic: Traffic | None = None  # None where it isn't stored
        self._current = _CounterWindow(_start(self._time()))
        self._windows = {self._current.start: self._current}

    def request(
        self,
        route: str,
        side: str,
        status: int,
        seconds: float | None,
        *,
        failed: bool = False,
        fell_back: str | None = None,
        client: str = "",
        bucket: int | None = None,
    ) -> None:
        """Count a request on the side that was decided on, "legacy" or "service".

        `status` is that of the response, 0 without one. `failed`: there was no response though the client stayed
        connected, or the upstream failed in another way than by its status. `fell_back` is why the service failed where
        legacy answered; the request is counted once, here. Both are errors, and so is a status from 500 up. `seconds`
        is None for a WebSocket, which has no latency. `client` is the caller's address, `bucket` the caller's bucket,
        if it decided on the side.
        """
        now = self._time()
        window = self._current
        if not window.earliest <= now < window.end:
            window = self._turn(now)
        try:
            tally = window.tallies[route, side]
        except KeyError:
            tally = window.tallies[route, side] = Tally()
        # Inlined, not methods of the tally: this runs for every request. `Tally.copy` relies on this order.
        tally.requests += 1
        if client and len(tally.callers) < FEW:
            tally.callers.add(_hashed(client, self._salt))
        if bucket is not None and not bucket % SAMPLED:
            tally.buckets.add(bucket)
        if failed or fell_back is not None or status >= ERROR:
            if client and len(tally.failing) < FEW:
                tally.failing.add(_hashed(client, self._salt))
            tally.errors += 1
        if fell_back is not None:
            tally.fallbacks += 1
            tally.add_reason(fell_back)
        if seconds is not None:
            tally.histogram.counts[bisect_left(BOUNDS, seconds)] += 1

    def refuse(self, status: int) -> None:
        """Count a refused request: it can't be read, must not be served, or its service is unavailable."""
        self.refused[str(status)] = self.refused.get(str(status), 0) + 1

    def mirror(self, route: str) -> None:
        """Count a mirror that was sent."""
        self._of(route).mirrored += 1

    def compare(self, route: str, *, breaking: bool, warning: bool, critical: bool = False, client: str = "") -> None:
        """Count a compared mirror: with a breaking difference, with warnings only, or with none that counts.
        `critical`: one of the breaking ones was critical. `client` is the address of the caller whose request it
        was."""
        seen = self._of(route)
        if client and len(seen.callers) < FEW:
            seen.callers.add(_hashed(client, self._salt))
        if breaking:
            if client and len(seen.differing) < FEW:
                seen.differing.add(_hashed(client, self._salt))
            seen.different += 1
            if critical:
                seen.critical += 1
        elif warning:
            seen.warned += 1
        else:
            seen.equal += 1

    def control(self, route: str) -> None:
        """Count a control: one side was called twice, to find what differs by itself."""
        self._of(route).controls += 1

    def uncompared(self, route: str) -> None:
        """Count a mirror that was sent but could not be compared."""
        self._of(route).errors += 1

    def drop(self, route: str, reason: str) -> None:
        """Count a mirror that was not sent; `reason` is one word of a few."""
        dropped = self._of(route).dropped
        dropped[reason] = dropped.get(reason, 0) + 1

    def take(self) -> Counts:
        """A copy of every window that is kept. Any thread may call this.

        The numbers of a window are totals, not increments: storing the same window again replaces what is stored.
        """
        tallies = {}
        mirrored = {}
        settled = self._current.start  # first: windows that are over by now are complete in the copies below
        windows = self._windows.copy()
        for start, window in windows.items():
            for (route, side), tally in window.tallies.copy().items():
                tallies[route, side, start] = tally.copy()
            for route, seen in window.mirrored.copy().items():
                mirrored[route, start] = seen.copy()
        starts = tuple(sorted(windows))
        return Counts(starts, MappingProxyType(tallies), MappingProxyType(mirrored), settled, self._lost)

    def forget(self, before: float) -> None:
        """Drop the windows that began before `before`, which is the `settled` of counts that are now stored.

        With a later time, what was counted since `take` would be lost. The current window is always kept, since the
        event loop may be counting in it. Any thread may call this.
        """
        for start, window in self._windows.copy().items():
            if start < before and window is not self._current:
                self._windows.pop(start, None)

    def _of(self, route: str) -> Mirrored:
        now = self._time()
        window = self._current
        if not window.earliest <= now < window.end:
            window = self._turn(now)
        try:
            return window.mirrored[route]
        except KeyError:
            seen = window.mirrored[route] = Mirrored()
            return seen

    def _turn(self, now: float) -> _CounterWindow:
        """Make the window of `now` the current one, and return it."""
        start = _start(now)
        window = self._windows.get(start) or _CounterWindow(start)
        # First current, then among the windows: otherwise `forget` could remove it in between.
        self._current = self._windows[start] = window
        while len(self._windows) > KEPT:
            dropped = self._windows.pop(min(other for other in self._windows.copy() if other != start), None)
            self._lost += dropped.size() if dropped else 0
        return window


def _start(now: float) -> int:
    return int(now) // COUNTER_WINDOW * COUNTER_WINDOW


def _hashed(client: str, salt: int) -> int:
    """A 16-bit hash of a caller's address: enough to tell a few callers apart, too little to identify one. Of an IPv6
    address only the /64 network counts (RFC 6177), since a caller has all addresses of its network."""
    network = ":".join(client.split(":", 4)[:4]) if ":" in client else client
    return crc32(network.encode("utf-8", "replace"), salt) & 0xFFFF
