"""What this process counted of its routes, for the guard and `gateway status`: requests and mirrors, in slots of time.

One thread adds, the event loop's; any other takes. Neither needs a lock, because:

- there is one adder, so no `+= 1` meets another;
- what both sides touch are `dict.copy`, `list.copy`, `dict.pop`, single stores and single loads. Each is one step:
  under the interpreter lock, and in free-threaded builds by the lock that each dict and list has of its own;
- a taker may see half of a request. `request` counts the request first and what became of it later, `copy` reads in the
  opposite order, so a copy never has more errors than requests; and the values of a slot are absolute, so that the next
  `take` puts right what this one saw half of;
- a taker forgets only slots that the adder had left before it took, and never the one that the adder is at.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.clock import SYSTEM, Clock

__all__ = ["BOUNDS", "FACTOR", "KEPT", "SLOT", "Counters", "Histogram", "Mirrored", "Taken", "Tally"]

SLOT = 10  # seconds
KEPT = 60  # slots, that is ten minutes in which the database may be away
# Seconds by which the clock may be put right while counting stays where it was. Where it goes back further, what is
# stored of the slots it comes through again is replaced.
SET_BACK = 60.0

FACTOR = 2**0.25
LOWEST = 0.0001
# Up to 2 minutes. Stored counts refer to these by their place: changing them changes what is stored.
BOUNDS = tuple(LOWEST * FACTOR**place for place in range(82))
ERROR = 500  # and above: the server's fault (RFC 9110, 15.6)


class Histogram:
    """How long requests took, counted between `BOUNDS`: a quantile is off by less than `FACTOR`.

    That holds above 0.1 ms, to 2 minutes. What is faster counts as up to 0.1 ms, what is slower as 2 minutes.
    `counts` are up to and with each bound; the last has none.
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)

    def __eq__(self, other: object) -> bool:
        return self.counts == other.counts if isinstance(other, Histogram) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # it changes

    def __repr__(self) -> str:
        return f"Histogram({self.to_json()})"

    @property
    def count(self) -> int:
        """How many were added."""
        return sum(self.counts)

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1

    def merge(self, other: Histogram) -> None:
        """Count what `other` counted, too."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]

    def copy(self) -> Histogram:
        """As it is now."""
        copied = Histogram()
        copied.counts = self.counts.copy()
        return copied

    def quantile(self, q: float) -> float | None:
        """The seconds that a share `q` took at most; None when nothing was added.

        Raises ValueError unless 0 ≤ q ≤ 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile is between 0 and 1, not {q}")
        left = q * self.count
        for place, count in enumerate(self.counts):
            if count and left <= count:
                lower, upper = _between(place)
                return lower + (upper - lower) * left / count
            left -= count
        return None

    def above(self, seconds: float) -> float:
        """How many took longer than `seconds`; of those in the same step as `seconds`, its part."""
        place = bisect_left(BOUNDS, seconds)
        slower = float(sum(self.counts[place + 1 :]))
        lower, upper = _between(place)
        return slower + (self.counts[place] * (upper - seconds) / (upper - lower) if upper > lower else 0.0)

    def to_json(self) -> dict[str, int]:
        """What is not zero, by its place among the bounds."""
        return {str(place): count for place, count in enumerate(self.counts) if count}

    @classmethod
    def from_json(cls, stored: Mapping[str, int]) -> Histogram:
        """What `to_json` gave. Raises ValueError where it can't have given that."""
        made = cls()
        for place, count in stored.items():
            if not (place.isdecimal() and int(place) <= len(BOUNDS)) or count < 1:
                raise ValueError(f"{place!r}: {count!r} is no count of a place from 0 to {len(BOUNDS)}")
            made.counts[int(place)] = count
        return made


def _between(place: int) -> tuple[float, float]:
    """Both ends of a step."""
    return BOUNDS[place - 1] if place else 0.0, BOUNDS[min(place, len(BOUNDS) - 1)]


@dataclass(slots=True)
class Tally:
    """One side of one route: requests, how many of them failed, and how many failed and were answered by legacy."""

    requests: int = 0
    errors: int = 0
    fallbacks: int = 0
    histogram: Histogram = field(default_factory=Histogram)

    @property
    def error_rate(self) -> float:
        """The share of requests that failed, from 0 to 1; 0 when there were none."""
        return self.errors / self.requests if self.requests else 0.0

    def merge(self, other: Tally) -> None:
        """Count what `other` counted, too."""
        self.requests += other.requests
        self.errors += other.errors
        self.fallbacks += other.fallbacks
        self.histogram.merge(other.histogram)

    def copy(self) -> Tally:
        """As it is now, read in the order opposite to that in which `Counters.request` counts."""
        histogram, fallbacks, errors = self.histogram.copy(), self.fallbacks, self.errors
        return Tally(self.requests, errors, fallbacks, histogram)


@dataclass(slots=True)
class Mirrored:
    """What became of one route's mirrors. An answer that was compared is equal, different or warned."""

    mirrored: int = 0  # sent to the other upstream
    equal: int = 0
    different: int = 0  # at least one breaking difference
    warned: int = 0  # differences, none of them breaking
    controls: int = 0  # legacy asked twice, for what differs by itself
    errors: int = 0  # could not be compared
    dropped: dict[str, int] = field(default_factory=dict)  # by reason: "queue", "lag", "busy", "size", …

    @property
    def compared(self) -> int:
        """How many answers were compared."""
        return self.equal + self.different + self.warned

    @property
    def parity(self) -> float | None:
        """The percentage of compared answers without a breaking difference; None when none were compared."""
        return 100 * (1 - self.different / self.compared) if self.compared else None

    def merge(self, other: Mirrored) -> None:
        """Count what `other` counted, too."""
        for name in ("mirrored", "equal", "different", "warned", "controls", "errors"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, number in other.dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + number

    def copy(self) -> Mirrored:
        """As it is now."""
        dropped = self.dropped.copy()
        return Mirrored(
            self.mirrored, self.equal, self.different, self.warned, self.controls, self.errors, dropped=dropped
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What a process had counted at a moment. Nothing in it changes any more.

    `slots` are the seconds at which its slots began, in order. `tallies` is by route, side and slot, `mirrored` by
    route and slot. Slots that began before `settled` are over: nothing is added to them any more. `lost` is how many
    requests and mirrors the process counted and dropped again since it started, as nobody forgot their slots in time.
    """

    slots: tuple[int, ...]
    tallies: Mapping[tuple[str, str, int], Tally]
    mirrored: Mapping[tuple[str, int], Mirrored]
    settled: int
    lost: int

    def side(self, route: str, side: str, since: float = 0.0) -> Tally:
        """One side of a route, over all slots that began at `since` or later."""
        total = Tally()
        for slot in self.slots:
            if slot >= since and (tally := self.tallies.get((route, side, slot))) is not None:
                total.merge(tally)
        return total

    def mirrors(self, route: str, since: float = 0.0) -> Mirrored:
        """A route's mirrors, over all slots that began at `since` or later."""
        total = Mirrored()
        for slot in self.slots:
            if slot >= since and (seen := self.mirrored.get((route, slot))) is not None:
                total.merge(seen)
        return total


class _Slot:
    """What came in during one slot."""

    __slots__ = ("earliest", "end", "mirrored", "start", "tallies")

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start + SLOT
        self.earliest = start - SET_BACK
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.mirrored: dict[str, Mirrored] = {}

    def size(self) -> int:
        """How many requests and mirrors it counts."""
        requests = sum(tally.requests for tally in self.tallies.values())
        return requests + sum(seen.mirrored for seen in self.mirrored.values())


class Counters:
    """Everything a process counts, by slots of `SLOT` seconds of `clock.time()`, the last `KEPT` of them."""

    __slots__ = ("_lost", "_slot", "_slots", "_time")

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._time = clock.time
        self._lost = 0
        self._slot = _Slot(_start(self._time()))
        self._slots = {self._slot.start: self._slot}

    def request(
        self,
        route: str,
        side: str,
        status: int,
        seconds: float | None,
        *,
        failed: bool = False,
        fell_back: bool = False,
    ) -> None:
        """Count a request on the side that was decided on, "legacy" or "service".

        `status` is that of the answer, 0 without one. `failed`: it got no answer though the client stayed, or the
        upstream failed in another way than by its status. `fell_back`: the service failed, and legacy answered; the
        request is counted once, here. Both are errors, and so is a status from 500 up. `seconds` is None for a socket,
        whose life is no latency.
        """
        now = self._time()
        slot = self._slot
        if not slot.earliest <= now < slot.end:
            slot = self._turn(now)
        try:
            tally = slot.tallies[route, side]
        except KeyError:
            tally = slot.tallies[route, side] = Tally()
        # Not methods of the tally and its histogram: every request passes here. `Tally.copy` relies on this order.
        tally.requests += 1
        if failed or fell_back or status >= ERROR:
            tally.errors += 1
        if fell_back:
            tally.fallbacks += 1
        if seconds is not None:
            tally.histogram.counts[bisect_left(BOUNDS, seconds)] += 1

    def mirror(self, route: str) -> None:
        """A mirror was sent."""
        self._of(route).mirrored += 1

    def compare(self, route: str, *, breaking: bool, warning: bool) -> None:
        """A mirror's answer was compared: with a breaking difference, with others only, or with none."""
        seen = self._of(route)
        if breaking:
            seen.different += 1
        elif warning:
            seen.warned += 1
        else:
            seen.equal += 1

    def control(self, route: str) -> None:
        """Legacy was asked twice, for what differs by itself."""
        self._of(route).controls += 1

    def uncompared(self, route: str) -> None:
        """A mirror was sent, and nothing could be compared."""
        self._of(route).errors += 1

    def drop(self, route: str, reason: str) -> None:
        """A mirror was not sent, because of `reason`: one word, of few."""
        dropped = self._of(route).dropped
        dropped[reason] = dropped.get(reason, 0) + 1

    def take(self) -> Taken:
        """What was counted in each slot since the process started and that was not forgotten. Any thread may ask.

        The numbers of a slot are all of it, not what is new: storing the same slot again replaces what is stored.
        """
        tallies = {}
        mirrored = {}
        settled = self._slot.start  # first: what is over by now is whole in what is read next
        slots = self._slots.copy()
        for start, slot in slots.items():
            for (route, side), tally in slot.tallies.copy().items():
                tallies[route, side, start] = tally.copy()
            for route, seen in slot.mirrored.copy().items():
                mirrored[route, start] = seen.copy()
        return Taken(tuple(sorted(slots)), MappingProxyType(tallies), MappingProxyType(mirrored), settled, self._lost)

    def forget(self, before: float) -> None:
        """Drop the slots that began before `before`: the `settled` of what was taken and is stored now. Any thread may.

        With a later time, what was counted after it was taken would be missing. The slot that was counted in last stays
        in any case: the event loop may be at it.
        """
        for start, slot in self._slots.copy().items():
            if start < before and slot is not self._slot:
                self._slots.pop(start, None)

    def _of(self, route: str) -> Mirrored:
        now = self._time()
        slot = self._slot
        if not slot.earliest <= now < slot.end:
            slot = self._turn(now)
        try:
            return slot.mirrored[route]
        except KeyError:
            seen = slot.mirrored[route] = Mirrored()
            return seen

    def _turn(self, now: float) -> _Slot:
        """The slot of `now`, from now on the current one."""
        start = _start(now)
        slot = self._slots.get(start) or _Slot(start)
        # First current, then among the slots: `forget` must not find it there before it knows it for the current one.
        self._slot = self._slots[start] = slot
        while len(self._slots) > KEPT:
            dropped = self._slots.pop(min(other for other in self._slots.copy() if other != start), None)
            self._lost += dropped.size() if dropped else 0
        return slot


def _start(now: float) -> int:
    return int(now) // SLOT * SLOT
