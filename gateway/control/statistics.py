"""The counts of all workers for a route since a moment: the sum of the counter windows in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json import JSONDecoder
from typing import Any

from django.db.models import Model, TextField
from django.db.models.functions import Cast

from gateway.control.database import alias
from gateway.control.models import CounterWindow, MirrorWindow
from gateway.control.store import unpacked
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
    for route, start, release, side, *values in _rows(CounterWindow, recent, ("side", *COUNTED), COUNTED_JSON):
        if start >= since[route] and releases.get(route, release) == release:
            _add(seen[route].side(side), *values)
    for route, start, release, *values in _rows(MirrorWindow, recent, MIRRORED, MIRRORED_JSON):
        if start >= since[route] and releases.get(route, release) == release:
            _add_mirrored(seen[route].mirrored, *values)
    return seen


# Columns of both kinds of windows; those with JSON are read as text, and most of them are empty.
COUNTED, COUNTED_JSON = ("requests", "errors", "fallbacks", "buckets"), ("histogram", "callers", "failing", "reasons")
MIRRORED = ("mirrored", "equal", "different", "critical", "warned", "controls", "errors")
MIRRORED_JSON = ("callers", "differing", "dropped")
DECODER = JSONDecoder()
EMPTY: dict[str | None, Any] = {"[]": (), "{}": {}, "null": {}, None: {}}


def _rows(model: type[Model], recent: Mapping[str, object], columns: Sequence[str], of_json: Sequence[str]) -> Any:
    """Route, start, release and these columns of the windows, as plain values: an instance of the model takes longer
    to make than all that is done with it, and a page asks for thousands."""
    texts = {f"{name}_text": Cast(name, TextField()) for name in of_json}
    rows = model._base_manager.using(alias()).filter(**recent).annotate(**texts)  # noqa: SLF001 - documented
    return rows.values_list("route", "start", "release", *columns, *texts)


def _add_mirrored(
    seen: Mirrored, mirrored: int, equal: int, different: int, critical: int, warned: int, controls: int, errors: int,
    callers: str, differing: str, dropped: str,
) -> None:  # fmt: skip
    """Add a window of mirrors."""
    seen.mirrored += mirrored
    seen.equal += equal
    seen.different += different
    seen.critical += critical
    seen.warned += warned
    seen.controls += controls
    seen.errors += errors
    seen.callers.update(_loaded(callers))
    seen.differing.update(_loaded(differing))
    for reason, number in _loaded(dropped).items():
        seen.dropped[reason] = seen.dropped.get(reason, 0) + number


def _loaded(text: str | None) -> Any:
    found = EMPTY.get(text)
    # `raw_decode`, as a database's JSON has no space around it: `loads` takes three times as long.
    return DECODER.raw_decode(text)[0] if found is None and text is not None else found


def _add(
    tally: Tally, requests: int, errors: int, fallbacks: int, buckets: str, histogram: str, callers: str, failing: str,
    reasons: str | None,
) -> None:  # fmt: skip
    """Add a counter window."""
    tally.requests += requests
    tally.errors += errors
    tally.fallbacks += fallbacks
    tally.histogram.add_json(_loaded(histogram))
    tally.callers.update(_loaded(callers))
    tally.failing.update(_loaded(failing))
    if buckets:
        tally.buckets |= unpacked(buckets)
    for reason, number in _loaded(reasons).items():
        tally.add_reason(reason, number)
