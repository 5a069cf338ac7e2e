"""Stored differences: the groups, their numbers, and the accepted ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.config.routes import RouteConfig
from gateway.control.database import alias
from gateway.control.evidence_queries import NOISE, OPEN, noise_of, releases, state_of
from gateway.control.models import AcceptedMatch, DifferenceGroup, RouteDifferences, Worker
from gateway.control.timestamps import NEVER
from gateway.parity.difference import Severity
from gateway.parity.noise import Noise

__all__ = ["AcceptedReport", "DifferenceCounts", "DifferenceReport", "accepted", "difference_counts", "differences"]


@dataclass(frozen=True, slots=True)
class DifferenceCounts:
    """The number of stored groups of differences: open ones by severity, and those that don't count.

    `breaking` are those that prevent promotion, including the `critical` ones. `settled` are resolved, or not seen
    under the present release; `noise` are those that legacy has by itself; `note` are those that no client notices.
    `beyond` is the number of differences in groups beyond the limit.
    """

    breaking: int = 0
    critical: int = 0
    warning: int = 0
    note: int = 0
    settled: int = 0
    noise: int = 0
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class DifferenceReport:
    """One group of differences.

    `state` is "open"; "noise"; "resolved", if an operator said so and it was not seen since; or "mended", if it was not
    seen under the present release of the service; `release` is the one under which it was last seen. `count` is the
    number of responses of the service with this difference, `noise` that of legacy's compared with its own; `verdict`
    says whether it is noise by Diffy's rule, and why. Each example has target, pointer, expected, actual and at
    (seconds since 1970), redacted.
    """

    route: str
    template: str
    fingerprint: str
    kind: str
    pointer: str
    severity: str
    summary: str
    state: str
    release: str
    count: int
    noise: int
    first_seen: datetime
    last_seen: datetime
    verdict: Noise
    resolved: datetime | None = None
    resolved_by: str = ""
    resolved_why: str = ""
    examples: Sequence[Mapping[str, object]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class AcceptedReport:
    """The number of occurrences of an accepted difference; `key` is gateway.parity.rules.Accepted.key."""

    route: str
    key: str
    count: int
    last_seen: datetime


def differences(route: RouteConfig, workers: Sequence[Worker] | None = None) -> list[DifferenceReport]:
    """The stored groups: open ones first, then by severity and frequency. `workers` are the rows of all processes, if
    they were read before."""
    rows = DifferenceGroup.objects.using(alias()).filter(route=route.name)
    totals = _totals([route.name]).get(route.name, RouteDifferences())
    present = releases([route], workers).get(route.name)
    reports = [_report(row, totals, present) for row in rows]
    return sorted(reports, key=lambda found: (found.state != OPEN, Severity(found.severity).rank, -found.count))


def _report(row: DifferenceGroup, totals: RouteDifferences, release: str | None) -> DifferenceReport:
    return DifferenceReport(
        route=row.route,
        template=row.template,
        fingerprint=row.fingerprint,
        kind=row.kind,
        pointer=row.pointer,
        severity=row.severity,
        summary=row.summary,
        state=state_of(row, totals, release),
        release=row.release,
        count=row.count,
        noise=row.noise,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        verdict=noise_of(row, totals),
        resolved=None if row.resolved == NEVER else row.resolved,
        resolved_by=row.resolved_by,
        resolved_why=row.resolved_why,
        examples=tuple(row.examples),
    )


def _totals(routes: Sequence[str]) -> dict[str, RouteDifferences]:
    return {row.route: row for row in RouteDifferences.objects.using(alias()).filter(route__in=routes)}


def difference_counts(routes: Sequence[RouteConfig], present: Mapping[str, str]) -> dict[str, DifferenceCounts]:
    """The numbers of groups of each route, under the `present` releases of its service."""
    names = [route.name for route in routes]
    totals = _totals(names)
    counts = {name: Counter[str]() for name in names}
    for row in DifferenceGroup.objects.using(alias()).filter(route__in=names).defer("examples"):
        state = state_of(row, totals.get(row.route, RouteDifferences()), present.get(row.route))
        counts[row.route].update(_counted_as(state, Severity(row.severity)))
    for name, total in totals.items():
        counts[name]["beyond"] = total.beyond
    return {name: DifferenceCounts(**count) for name, count in counts.items()}


def _counted_as(state: str, severity: Severity) -> list[str]:
    """The fields of DifferenceCounts in which a group counts."""
    if state != OPEN:
        return ["noise" if state == NOISE else "settled"]
    return ["breaking", "critical"] if severity is Severity.CRITICAL else [severity.value]


def accepted(route: str) -> list[AcceptedReport]:
    """The number of occurrences of each accepted difference of a route, without those that never occurred."""
    rows = AcceptedMatch.objects.using(alias()).filter(route=route).order_by("key")
    return [AcceptedReport(row.route, row.key, row.count, row.last_seen) for row in rows]
