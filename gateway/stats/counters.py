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
from dataclasses import dataclass
from types import MappingProxyType
from zlib import crc32

from gateway.clock import SYSTEM, Clock
from gateway.stats.histogram import BOUNDS
from gateway.stats.tally import ERROR, FEW, SAMPLED, SLOT, Mirrored, Tally
from gateway.stats.traffic import Traffic

__all__ = ["KEPT", "Counters", "Counts"]

KEPT = 60  # slots, that is ten minutes in which the database may be away
# Seconds by which the clock may be put right while counting stays where it was. Where it goes back further, what is
# stored of the slots it comes through again is replaced.
SET_BACK = 60.0


@dataclass(frozen=True, slots=True)
class Counts:
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
    """Everything a process counts, by slots of `SLOT` seconds of `clock.time()`, the last `KEPT` of them.

    `key` is a secret of the installation, under which callers' addresses are hashed.
    """

    __slots__ = ("_lost", "_salt", "_slot", "_slots", "_time", "refused", "traffic")

    def __init__(self, clock: Clock = SYSTEM, key: bytes = b"") -> None:
        self._time = clock.time
        self._salt = crc32(key)  # the same in every process of an installation
        self._lost = 0
        self.refused: dict[str, int] = {}  # requests that no upstream was asked, by status
        self.traffic: Traffic | None = None  # counted where somebody stores it
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
        client: str = "",
        bucket: int | None = None,
    ) -> None:
        """Count a request on the side that was decided on, "legacy" or "service".

        `status` is that of the answer, 0 without one. `failed`: it got no answer though the client stayed, or the
        upstream failed in another way than by its status. `fell_back`: the service failed, and legacy answered; the
        request is counted once, here. Both are errors, and so is a status from 500 up. `seconds` is None for a socket,
        whose life is no latency. `client` is the caller's address,
        `bucket` what decided on the side, where that is what did.
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
        if client and len(tally.callers) < FEW:
            tally.callers.add(self._hashed(client))
        if bucket is not None and not bucket % SAMPLED:
            tally.buckets.add(bucket)
        if failed or fell_back or status >= ERROR:
            if client and len(tally.failing) < FEW:
                tally.failing.add(self._hashed(client))
            tally.errors += 1
        if fell_back:
            tally.fallbacks += 1
        if seconds is not None:
            tally.histogram.counts[bisect_left(BOUNDS, seconds)] += 1

    def refuse(self, status: int) -> None:
        """A request was refused: it can't be read, nobody may have it, or its service can't be asked now."""
        self.refused[str(status)] = self.refused.get(str(status), 0) + 1

    def mirror(self, route: str) -> None:
        """A mirror was sent."""
        self._of(route).mirrored += 1

    def compare(self, route: str, *, breaking: bool, warning: bool, critical: bool = False, client: str = "") -> None:
        """A mirror's answer was compared: with a breaking difference, with warnings only, or with none that counts.
        `critical` goes with `breaking`: one of them was. `client` is the address of the caller whose request it was."""
        seen = self._of(route)
        if client and len(seen.callers) < FEW:
            seen.callers.add(self._hashed(client))
        if breaking:
            if client and len(seen.differing) < FEW:
                seen.differing.add(self._hashed(client))
            seen.different += 1
            if critical:
                seen.critical += 1
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

    def take(self) -> Counts:
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
        return Counts(tuple(sorted(slots)), MappingProxyType(tallies), MappingProxyType(mirrored), settled, self._lost)

    def forget(self, before: float) -> None:
        """Drop the slots that began before `before`: the `settled` of what was taken and is stored now. Any thread may.

        With a later time, what was counted after it was taken would be missing. The slot that was counted in last stays
        in any case: the event loop may be at it.
        """
        for start, slot in self._slots.copy().items():
            if start < before and slot is not self._slot:
                self._slots.pop(start, None)

    def _hashed(self, client: str) -> int:
        """What of a caller's address is kept: enough to tell a few apart, too little to find one again. Of IPv6, the
        network counts (RFC 6177): whoever has one has all its addresses."""
        network = ":".join(client.split(":", 4)[:4]) if ":" in client else client
        return crc32(network.encode("utf-8", "replace"), self._salt) & 0xFFFF

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
