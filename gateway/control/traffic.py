"""What all workers counted of a route since a moment, added up from the slots in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.control.database import alias
from gateway.control.models import MirrorSlot, Slot
from gateway.observability.counters import Histogram, Mirrored, Tally

__all__ = ["Seen", "traffic"]


@dataclass(slots=True)
class Seen:
    """Both sides of a route, as callers and as mirrors asked them, and what became of the mirrors."""

    service: Tally = field(default_factory=Tally)
    legacy: Tally = field(default_factory=Tally)
    service_mirrored: Tally = field(default_factory=Tally)
    legacy_mirrored: Tally = field(default_factory=Tally)
    mirrored: Mirrored = field(default_factory=Mirrored)

    def side(self, name: str) -> Tally:
        """A side by the name under which it is counted: "service", or "service mirrored"."""
        tally: Tally = getattr(self, name.replace(" ", "_"))
        return tally


def traffic(since: Mapping[str, float]) -> dict[str, Seen]:
    """For each route, what began at its second or later: slots that began before are left out as a whole."""
    seen = {route: Seen() for route in since}
    if not since:
        return seen
    recent = {"route__in": list(since), "start__gte": min(since.values())}
    for slot in Slot.objects.using(alias()).filter(**recent):
        if slot.start >= since[slot.route]:
            side = seen[slot.route].side(slot.side)
            histogram = Histogram.from_json(slot.histogram)
            side.merge(Tally(slot.requests, slot.errors, slot.fallbacks, histogram))
    for mirrors in MirrorSlot.objects.using(alias()).filter(**recent):
        if mirrors.start >= since[mirrors.route]:
            seen[mirrors.route].mirrored.merge(_mirrored(mirrors))
    return seen


def _mirrored(row: MirrorSlot) -> Mirrored:
    return Mirrored(row.mirrored, row.equal, row.different, row.warned, row.controls, row.errors, dropped=row.dropped)
