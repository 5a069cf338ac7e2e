"""What all workers counted of a route since a moment, added up from the slots in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.control.database import alias
from gateway.control.models import MirrorSlot, Slot
from gateway.control.store import unpacked
from gateway.stats.histogram import Histogram
from gateway.stats.tally import Mirrored, Tally

__all__ = ["RouteStats", "traffic"]


@dataclass(slots=True)
class RouteStats:
    """Both sides of a route, as callers and as mirrors asked them, and what became of the mirrors."""

    service: Tally = field(default_factory=Tally)
    legacy: Tally = field(default_factory=Tally)
    service_mirrored: Tally = field(default_factory=Tally)
    legacy_mirrored: Tally = field(default_factory=Tally)
    mirrored: Mirrored = field(default_factory=Mirrored)
    # What was decided for the service and failed, though not by its doing: it is in no rate of either side.
    middleware: Tally = field(default_factory=Tally)
    shared: Tally = field(default_factory=Tally)

    def side(self, name: str) -> Tally:
        """A side by the name under which it is counted: "service", or "service mirrored"."""
        tally: Tally = getattr(self, name.replace(" ", "_"))
        return tally


def traffic(since: Mapping[str, float], releases: Mapping[str, str] | None = None) -> dict[str, RouteStats]:
    """For each route, what began at its second or later: slots that began before are left out as a whole. For routes in
    `releases`, only what was counted under that release of their service."""
    releases = releases or {}
    seen = {route: RouteStats() for route in since}
    if not since:
        return seen
    recent = {"route__in": list(since), "start__gte": min(since.values())}
    for slot in Slot.objects.using(alias()).filter(**recent):
        if slot.start >= since[slot.route] and releases.get(slot.route, slot.release) == slot.release:
            side = seen[slot.route].side(slot.side)
            histogram = Histogram.from_json(slot.histogram)
            callers, failing = set(slot.callers), set(slot.failing)
            counts = slot.requests, slot.errors, slot.fallbacks
            side.merge(Tally(*counts, histogram, callers, failing, unpacked(slot.buckets)))
    for mirrors in MirrorSlot.objects.using(alias()).filter(**recent):
        known = releases.get(mirrors.route, mirrors.release)
        if mirrors.start >= since[mirrors.route] and known == mirrors.release:
            seen[mirrors.route].mirrored.merge(_mirrored(mirrors))
    return seen


def _mirrored(row: MirrorSlot) -> Mirrored:
    return Mirrored(
        row.mirrored,
        row.equal,
        row.different,
        row.critical,
        row.warned,
        row.controls,
        row.errors,
        set(row.callers),
        set(row.differing),
        row.dropped,
    )
