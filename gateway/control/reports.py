"""What the command line and the admin show, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.config import RouteConfig
from gateway.control.database import alias
from gateway.control.keeper import Case, began, guard_of
from gateway.control.models import (
    AcceptedMatch,
    Change,
    DifferenceGroup,
    RouteDifferences,
    RouteState,
    Worker,
)
from gateway.control.moves import Moved, Standing, moved, standings, stands
from gateway.control.traffic import Seen, traffic
from gateway.observability.counters import Mirrored, Tally
from gateway.parity.difference import Severity
from gateway.parity.noise import Noise, judge
from gateway.rollout.guard import Guard, Judgement, Promote, RollBack
from gateway.rollout.plan import declared_state
from gateway.rollout.stage import CANARY, LIVE, SHADOW, State

__all__ = [
    "AcceptedReport",
    "DifferenceReport",
    "Differences",
    "Mirrors",
    "Orphan",
    "RouteStatus",
    "Side",
    "Traffic",
    "WorkerReport",
    "accepted",
    "changes",
    "differences",
    "orphans",
    "status",
    "workers",
]

HOUR = 3600.0  # seconds
ALIVE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a route. `error_rate` is a share from 0 to 1; `p50` and `p95` are seconds, None without requests."""

    requests: int
    errors: int
    fallbacks: int
    error_rate: float
    p50: float | None
    p95: float | None


NO_SIDE = Side(0, 0, 0, 0.0, None, None)


@dataclass(frozen=True, slots=True)
class Mirrors:
    """A route's mirrors. `parity` is a percentage, None when nothing was compared; `dropped` is by reason."""

    mirrored: int
    compared: int
    equal: int
    different: int
    warned: int
    controls: int
    errors: int
    parity: float | None
    dropped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What all workers saw of a route in the last `seconds`: both sides as callers asked them, and as mirrors did."""

    seconds: float
    service: Side
    legacy: Side
    mirrors: Mirrors
    service_mirrored: Side = NO_SIDE
    legacy_mirrored: Side = NO_SIDE


@dataclass(frozen=True, slots=True)
class Differences:
    """How many groups of differences are stored: by severity those that count, and those that are noise.

    `beyond` is how many differences belonged to groups that there was no room for.
    """

    breaking: int = 0
    warning: int = 0
    noise: int = 0
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """One route. `standing` is where it stands now: its `revision` is 0 unless that was changed at run time.

    `window` is the traffic that the guard judges, `hour` that of the last hour; `verdict` is None where nothing is
    judged: at legacy and retired, and without a guard. `next` says in words what happens by itself, and when.
    """

    route: str
    service: str
    declared: State
    standing: Standing
    window: Traffic
    hour: Traffic
    differences: Differences
    verdict: Judgement | None
    next: str

    @property
    def effective(self) -> State:
        """Where it stands now."""
        return self.standing.state

    @property
    def changed(self) -> bool:
        """Whether a row wins over the file."""
        return self.standing.revision > 0


@dataclass(frozen=True, slots=True)
class DifferenceReport:
    """One group of differences.

    `count` is how many answers of the service differed so, `noise` how many of legacy's from its own; `verdict` is
    whether it is noise by Diffy's rule, and why. Each example has target, pointer, expected, actual and at (seconds
    since 1970), redacted.
    """

    route: str
    template: str
    fingerprint: str
    kind: str
    pointer: str
    severity: str
    summary: str
    count: int
    noise: int
    first_seen: datetime
    last_seen: datetime
    verdict: Noise
    examples: Sequence[Mapping[str, object]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A row of a route that the file no longer has. It changes nothing."""

    route: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class AcceptedReport:
    """How often a difference occurred that the file accepts; `key` is gateway.parity.rules.Accepted.key."""

    route: str
    key: str
    count: int
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A process that was seen lately, the revision it decides by, and what it could not store."""

    id: str
    host: str
    pid: int
    started: datetime
    seen: datetime
    revision: int
    lost_requests: int
    lost_differences: int


# -- status --------------------------------------------------------------------------------------


def status(routes: Sequence[RouteConfig], now: datetime) -> list[RouteStatus]:
    """Every route of the file, in its order. `now` is aware."""
    at = now.timestamp()
    started = min((worker.started.timestamp() for worker in workers(now)), default=at)
    found = standings(routes)
    cases = [
        Case(route, guard_of(route) or Guard(), found[route.name], began(found[route.name], started), at)
        for route in routes
    ]
    window = traffic({case.route.name: case.counts_from for case in cases})
    hour = traffic({route.name: at - HOUR for route in routes})
    groups = _groups([route.name for route in routes])
    return [_status(case, window[case.route.name], hour[case.route.name], groups[case.route.name]) for case in cases]


def _status(case: Case, window: Seen, hour: Seen, groups: Differences) -> RouteStatus:
    verdict = None
    if case.route.guard and case.standing.state.stage in (SHADOW, CANARY, LIVE):
        verdict = case.judgement(window)
    return RouteStatus(
        route=case.route.name,
        service=case.route.service,
        declared=declared_state(case.route),
        standing=case.standing,
        window=_traffic(case.now - case.counts_from, window),
        hour=_traffic(HOUR, hour),
        differences=groups,
        verdict=verdict,
        next=_next(case, verdict),
    )


def _next(case: Case, verdict: Judgement | None) -> str:
    """What happens by itself, in words."""
    if case.standing.state.stage not in (CANARY, LIVE):
        return "stays until it is moved"
    if verdict is None:
        return "stays until it is moved: guard = false, so nothing is judged"
    step = case.step(verdict)
    if isinstance(step, RollBack):
        return f"is about to be rolled back: {step.reason}"
    if isinstance(step, Promote):
        return f"is about to go to {step.stage}{_percent(step.weight)}: {step.reason}"
    if case.standing.state.stage == LIVE or case.route.interval is None:
        return "stays until it is moved, or rolled back by the guard"
    further = next((weight for weight in case.route.steps if weight > case.standing.state.weight), None)
    goal = "live" if further is None else f"canary{_percent(further)}"
    return f"waits to go to {goal}: {step.reason}"


def _percent(weight: float | None) -> str:
    return "" if weight is None else f" at {weight:g} %"


def _traffic(seconds: float, seen: Seen) -> Traffic:
    return Traffic(
        seconds,
        _side(seen.service),
        _side(seen.legacy),
        _mirrors(seen.mirrored),
        _side(seen.service_mirrored),
        _side(seen.legacy_mirrored),
    )


def _side(tally: Tally) -> Side:
    p50, p95 = tally.histogram.quantile(0.5), tally.histogram.quantile(0.95)
    return Side(tally.requests, tally.errors, tally.fallbacks, tally.error_rate, p50, p95)


def _mirrors(seen: Mirrored) -> Mirrors:
    return Mirrors(
        mirrored=seen.mirrored,
        compared=seen.compared,
        equal=seen.equal,
        different=seen.different,
        warned=seen.warned,
        controls=seen.controls,
        errors=seen.errors,
        parity=seen.parity,
        dropped=dict(sorted(seen.dropped.items())),
    )


# -- differences ---------------------------------------------------------------------------------


def differences(route: str) -> list[DifferenceReport]:
    """The stored groups: what counts before noise, breaking before warnings, frequent before rare."""
    rows = DifferenceGroup.objects.using(alias()).filter(route=route)
    totals = _totals([route]).get(route, RouteDifferences())
    reports = [_report(row, totals) for row in rows]
    return sorted(reports, key=lambda report: (report.verdict.noise, not _breaking(report), -report.count))


def _report(row: DifferenceGroup, totals: RouteDifferences) -> DifferenceReport:
    return DifferenceReport(
        route=row.route,
        template=row.template,
        fingerprint=row.fingerprint,
        kind=row.kind,
        pointer=row.pointer,
        severity=row.severity,
        summary=row.summary,
        count=row.count,
        noise=row.noise,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        verdict=_noise(row, totals),
        examples=tuple(row.examples),
    )


def _noise(row: DifferenceGroup, totals: RouteDifferences) -> Noise:
    # Differences and totals are stored one after the other: there may be a little more of one than of the other.
    return judge(row.count, max(totals.compared, row.count), row.noise, max(totals.controls, row.noise))


def _breaking(row: DifferenceReport | DifferenceGroup) -> bool:
    return row.severity == Severity.BREAKING.value


def _totals(routes: Sequence[str]) -> dict[str, RouteDifferences]:
    return {row.route: row for row in RouteDifferences.objects.using(alias()).filter(route__in=routes)}


def _groups(routes: Sequence[str]) -> dict[str, Differences]:
    totals = _totals(routes)
    counts = {route: Counter[str]() for route in routes}
    for row in DifferenceGroup.objects.using(alias()).filter(route__in=routes).defer("examples"):
        noise = _noise(row, totals.get(row.route, RouteDifferences())).noise
        counts[row.route]["noise" if noise else "breaking" if _breaking(row) else "warning"] += 1
    beyond = {route: row.beyond for route, row in totals.items()}
    return {
        route: Differences(count["breaking"], count["warning"], count["noise"], beyond.get(route, 0))
        for route, count in counts.items()
    }


def accepted(route: str) -> list[AcceptedReport]:
    """How often each accepted difference of a route occurred; those that never did are missing."""
    rows = AcceptedMatch.objects.using(alias()).filter(route=route).order_by("key")
    return [AcceptedReport(row.route, row.key, row.count, row.last_seen) for row in rows]


# -- changes -------------------------------------------------------------------------------------


def changes(route: str | None = None, limit: int = 50) -> list[Moved]:
    """The latest changes, of one route or all, newest first."""
    rows = Change.objects.using(alias()).order_by("-revision")
    return [moved(row) for row in (rows.filter(route=route) if route is not None else rows)[:limit]]


def orphans(routes: Sequence[RouteConfig]) -> list[Orphan]:
    """The rows that no route of the file has."""
    rows = RouteState.objects.using(alias()).exclude(route__in=[route.name for route in routes]).order_by("route")
    return [Orphan(row.route, stands(row)) for row in rows]


def workers(now: datetime) -> list[WorkerReport]:
    """The processes that were seen in the last minute."""
    rows = Worker.objects.using(alias()).filter(seen__gte=now - ALIVE).order_by("host", "pid")
    return [
        WorkerReport(
            id=row.id,
            host=row.host,
            pid=row.pid,
            started=row.started,
            seen=row.seen,
            revision=row.revision,
            lost_requests=row.lost_requests,
            lost_differences=row.lost_differences,
        )
        for row in rows
    ]
