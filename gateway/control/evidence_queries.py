"""Queries for the evidence for promoting a route, from what all workers stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import F, Sum

from gateway.config.guard import Guard
from gateway.config.routes import RouteConfig
from gateway.control.current_state import CurrentState
from gateway.control.database import alias
from gateway.control.guarded_route import GuardedRoute, began, guard_of
from gateway.control.models import DifferenceGroup, MirrorWindow, RouteDifferences, Worker
from gateway.control.replays import last_replay
from gateway.control.settle import accepted_since
from gateway.control.statistics import traffic
from gateway.parity.noise import Noise, judge
from gateway.parity.severity import Severity
from gateway.rollout.evidence import Evidence

__all__ = [
    "MENDED",
    "NOISE",
    "OPEN",
    "RESOLVED",
    "collect_evidence",
    "compared",
    "needed",
    "noise_of",
    "open_differences",
    "releases",
    "started",
    "state_of",
]

OPEN, NOISE, RESOLVED, MENDED = "open", "noise", "resolved", "mended"  # states of a difference
KEPT = 2 * 3600.0  # seconds; older counts are folded into hours, without a release
ALIVE = timedelta(minutes=1)
BLOCKING = [severity.value for severity in Severity if severity.blocks]


def collect_evidence(
    route: RouteConfig, current_state: CurrentState, now: datetime, rows: Sequence[Worker] | None = None
) -> Evidence:
    """The evidence for promoting `route` from its current state. `now` is an aware datetime; `rows` as in `started`."""
    at = now.timestamp()
    since = began(current_state, started(now, at - KEPT, rows))
    if (accepted := accepted_since(route.name)) is not None:  # earlier comparisons went by other rules
        since = max(since, accepted.timestamp())
    guarded = GuardedRoute(route, guard_of(route) or Guard(), current_state, since, at)
    release = releases([route], rows)
    whole = guarded.over(max(guarded.first, at - KEPT))
    return Evidence(
        verdict=whole.judgement(traffic({route.name: whole.counts_from}, release)[route.name]),
        current=guarded.judgement(traffic({route.name: guarded.counts_from}, release)[route.name]),
        open=open_differences([route], release)[route.name],
        unmirrored=route.mirrors_nothing,
        methods=frozenset(route.methods or ()) - {"OPTIONS"},
        compared=compared([route], at, release)[route.name],
        minimum=needed(route),
        mirrored=route.mirror.canary > 0,
        replayed=last_replay(route.name, release.get(route.name)),
    )


def needed(route: RouteConfig) -> int:
    """How many responses of a release must be compared before a canary is promoted; 0 if none of its methods is
    mirrored."""
    return 0 if route.mirrors_no_method else (guard_of(route) or Guard()).minimum


def compared(routes: Sequence[RouteConfig], now: float, present: Mapping[str, str]) -> dict[str, int]:
    """How many responses of each route were compared in the last two hours, at any stage, under the `present` release
    of its service if that is known. `now` is in seconds since 1970."""
    found = {route.name: 0 for route in routes}
    windows = MirrorWindow.objects.using(alias()).filter(route__in=list(found), start__gte=now - KEPT)
    summed = windows.values_list("route", "release").annotate(compared=Sum(F("equal") + F("different") + F("warned")))
    for route, release, count in summed.order_by():
        if present.get(route, release) == release:
            found[route] += count
    return found


def started(now: datetime, otherwise: float, rows: Sequence[Worker] | None = None) -> float:
    """When the oldest running process started, in seconds since 1970; `otherwise` if there is none. `rows` are those of
    all processes, if they were read before."""
    alive = Worker.objects.using(alias()).filter(seen__gte=now - ALIVE) if rows is None else rows
    return min((row.started.timestamp() for row in alive if row.seen >= now - ALIVE), default=otherwise)


def releases(routes: Iterable[RouteConfig], rows: Sequence[Worker] | None = None) -> dict[str, str]:
    """The present release of each route's service: that of the process that started last. Routes whose release no
    process has stored are left out. `rows` as in `started`."""
    if rows is None:
        newest = Worker.objects.using(alias()).order_by("-started", "-seen").first()
    else:
        newest = max(rows, key=lambda row: (row.started, row.seen), default=None)
    known: Mapping[str, str] = {} if newest is None else newest.releases
    return {route.name: known[route.service] for route in routes if known.get(route.service)}


def open_differences(routes: Sequence[RouteConfig], present: Mapping[str, str] | None = None) -> dict[str, int]:
    """The number of open breaking and critical differences of each route; see `state_of`. `present` are the releases,
    if they were read before."""
    names = [route.name for route in routes]
    found = dict.fromkeys(names, 0)
    present = releases(routes) if present is None else present
    totals = {row.route: row for row in RouteDifferences.objects.using(alias()).filter(route__in=names)}
    blocking = DifferenceGroup.objects.using(alias()).filter(route__in=names, severity__in=BLOCKING)
    for group in blocking.defer("examples"):
        state = state_of(group, totals.get(group.route, RouteDifferences()), present.get(group.route))
        found[group.route] += state == OPEN
    return found


def state_of(group: DifferenceGroup, totals: RouteDifferences, release: str | None) -> str:
    """Whether a difference still counts: OPEN; RESOLVED, if an operator said so and it was not seen since; MENDED, if
    it was not seen under the present `release`, when that is known; or NOISE."""
    if group.last_seen <= group.resolved:
        return RESOLVED
    if release is not None and group.release != release:
        return MENDED
    # What never differs between legacy's own responses is no noise, however rare it is.
    return NOISE if group.noise and noise_of(group, totals).noise else OPEN


def noise_of(group: DifferenceGroup, totals: RouteDifferences) -> Noise:
    """Whether legacy's own responses differ in this way about as often, and why."""
    # Differences and totals are written one after the other, so one may be slightly ahead.
    return judge(group.count, max(totals.compared, group.count), group.noise, max(totals.controls, group.noise))
