"""The counts of all workers for a route since a moment: the sum of the counter windows in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.control.database import alias
from gateway.control.models import CounterWindow, MirrorWindow
from gateway.control.store import unpacked
from gateway.stats.histogram import Histogram
from gateway.stats.tally import Mirrored, Tally

__all__ = ["RouteStats", "traffic"]


@dataclass(slots=True)
class RouteStats:
    """Both sides of a route, for callers and for mirrors, and the results of mirrors."""

    service: Tally = field(default_factory=Tally)
    legacy: Tally = field(default_factory=Tally)
    service_mirrored: Tally = field(default_factory=Tally)
    legacy_mirrored: Tally = field(default_factory=Tally)
    mirrored: Mirrored = field(default_factory=Mirrored)
    # Requests for the service that failed through no fault of its own; they are in no rate of either side.
    middleware: Tally = field(default_factory=Tally)
    shared: Tally = field(default_factory=Tally)

    def side(self, name: str) -> Tally:
        """A side by its stored name: "service", or "service mirrored"."""
        tally: Tally = getattr(self, name.replace(" ", "_"))
        return tally


def traffic(since: Mapping[str, float], releases: Mapping[str, str] | None = None) -> dict[str, RouteStats]:
    """The counts of each route in `since`, from windows that began at that second (since 1970) or later.

    For routes in `releases`, only windows that were counted under that release of the route's service.
    """
    releases = releases or {}
    seen = {route: RouteStats() for route in since}
    if not since:
        return seen
    recent = {"route__in": list(since), "start__gte": min(since.values())}
    for window in CounterWindow.objects.using(alias()).filter(**recent):
        if window.start >= since[window.route] and releases.get(window.route, window.release) == window.release:
            side = seen[window.route].side(window.side)
            histogram = Histogram.from_json(window.histogram)
            callers, failing = set(window.callers), set(window.failing)
            counts = window.requests, window.errors, window.fallbacks
            side.merge(Tally(*counts, histogram, callers, failing, unpacked(window.buckets), window.reasons or {}))
    for mirrors in MirrorWindow.objects.using(alias()).filter(**recent):
        known = releases.get(mirrors.route, mirrors.release)
        if mirrors.start >= since[mirrors.route] and known == mirrors.release:
            seen[mirrors.route].mirrored.merge(_mirrored(mirrors))
    return seen


def _mirrored(row: MirrorWindow) -> Mirrored:
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
