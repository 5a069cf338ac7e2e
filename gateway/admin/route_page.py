"""The page of one route: its stage, the metrics of both sides, differences, and who moved it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING

from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

from gateway.admin.chart import Axes, Chart, lines, plain
from gateway.admin.history_cache import HISTORY
from gateway.admin.side_by_side import ShownExample, example
from gateway.admin.steps import effect
from gateway.config.routes import RouteConfig
from gateway.control import reports
from gateway.control.evidence_queries import collect_evidence
from gateway.control.templatetags.gateway_admin import duration, percent
from gateway.rollout.evidence import missing
from gateway.rollout.stage import STAGES, IllegalMove, State, promoted

if TYPE_CHECKING:
    from gateway.control.models import Worker
    from gateway.control.reports import DifferenceReport, HourOfRoute, Metric, RouteMetrics, RouteStatus
    from gateway.control.transitions import Transition
    from gateway.rollout.bands import Band

__all__ = ["MetricRow", "RoutePage", "Rung", "ShownDifference", "group_of", "route_page"]

CHANGES = 50  # of the audit trail
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Rung:
    """A stage of the ladder. `place` is "past", "present" or "ahead"."""

    stage: str
    place: str


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric in words."""

    name: str
    title: str
    service: str
    legacy: str
    apart: str
    band: str
    samples: str


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """A difference, with its examples side by side."""

    report: DifferenceReport
    examples: tuple[ShownExample, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class RoutePage:
    """Everything on the page. `next` is the usual next state, and `lacking` what is missing for it."""

    route: RouteConfig
    status: RouteStatus
    ladder: tuple[Rung, ...]
    effect: str
    next: State | None
    lacking: tuple[str, ...]
    metrics: RouteMetrics
    rows: tuple[MetricRow, ...]
    charts: tuple[Chart, ...]
    groups: tuple[ShownDifference, ...]
    settled: tuple[ShownDifference, ...]
    changes: tuple[Transition, ...]
    resting: tuple[tuple[str, str], ...]


def route_page(route: RouteConfig, now: datetime) -> RoutePage:
    """What the page of `route` shows."""
    rows = reports.worker_rows()
    (status,) = reports.status([route], now, rows=rows)
    state = status.effective
    metrics = reports.route_metrics(route, state.stage, status.current_state.since, now, rows)
    following = _next(route, state)
    lacking: tuple[str, ...] = ()
    if following is not None:
        lacking = missing(collect_evidence(route, status.current_state, now, rows), state, following, route.name)
    groups = _groups(route, rows)
    return RoutePage(
        route=route,
        status=status,
        ladder=tuple(_rung(stage, state.stage) for stage in STAGES),
        effect=effect(state, metrics),
        next=following,
        lacking=lacking,
        metrics=metrics,
        rows=tuple(_row(one) for one in metrics.metrics),
        charts=_charts(HISTORY.hours(route.name, now)),
        groups=tuple(one for one in groups if one.open),
        settled=tuple(one for one in groups if not one.open),
        changes=tuple(reports.changes(route.name, CHANGES)),
        resting=tuple(
            (f"{worker.host}:{worker.pid}", cause)
            for worker in reports.workers(now, rows)
            for service, cause in worker.resting.items()
            if service == route.service
        ),
    )


def _groups(route: RouteConfig, workers: Sequence[Worker] | None = None) -> list[ShownDifference]:
    return [
        ShownDifference(one, tuple(map(example, one.examples)), one.state == "open")
        for one in reports.differences(route, workers)
    ]


def group_of(route: RouteConfig, key: str) -> ShownDifference | None:
    """The difference with that key; None if there is none."""
    return next((group for group in _groups(route) if group.report.fingerprint == key), None)


def _next(route: RouteConfig, state: State) -> State | None:
    try:
        return promoted(state, route.steps)
    except IllegalMove:
        return None


def _rung(stage: str, present: str) -> Rung:
    here, at = STAGES.index(stage), STAGES.index(present)
    return Rung(stage, "present" if here == at else "past" if here < at else "ahead")


def _row(metric: Metric) -> MetricRow:
    titles = {
        "errors": gettext("errors"),
        "p50": gettext("latency, p50"),
        "p95": gettext("latency, p95"),
        "parity": gettext("equal responses"),
    }
    words = _percent if metric.name in ("errors", "parity") else duration
    own = metric.service if metric.name == "parity" else None
    band = metric.apart or own
    return MetricRow(
        name=metric.name,
        title=titles[metric.name],
        service="–" if metric.service is None else words(metric.service.value),
        legacy="–" if metric.legacy is None else words(metric.legacy.value),
        apart="–" if metric.apart is None else _signed(metric.apart.value, metric.name),
        band="–" if band is None else _band(band, metric.name, signed=metric.apart is not None),
        samples=_samples(metric),
    )


def _samples(metric: Metric) -> str:
    service = number_format(metric.samples, force_grouping=True)
    if metric.name == "parity":
        return str(service)
    return f"{service} / {number_format(metric.against, force_grouping=True)}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{number_format(100 * share, 2)} %"


def _signed(value: float, name: str) -> str:
    words = _percent(abs(value)) if name == "errors" else duration(abs(value))
    return (MINUS if value < 0 else "+") + words


def _band(band: Band, name: str, *, signed: bool) -> str:
    """The bounds in words; too few samples leave the upper one open."""
    say = (lambda value: _signed(value, name)) if signed else _percent
    low = say(band.low) if isfinite(band.low) else f"{MINUS}∞"
    high = say(band.high) if isfinite(band.high) else "∞"
    return gettext("%(low)s to %(high)s") % {"low": low, "high": high}


def _charts(hours: Sequence[HourOfRoute]) -> tuple[Chart, ...]:
    times = [localtime(one.start) for one in hours]
    labels = [date_format(one, "D H:i") for one in times]
    service, legacy, hour = gettext("service"), gettext("legacy"), gettext("Hour")
    p95 = (
        (legacy, "gw-legacy", [one.legacy.p95 for one in hours]),
        (service, "gw-service", [one.service.p95 for one in hours]),
    )
    errors = (
        (legacy, "gw-legacy", [one.legacy.error_percent for one in hours]),
        (service, "gw-service", [one.service.error_percent for one in hours]),
    )
    latencies = Axes(hour, labels, duration, lambda value: f"{plain(1000 * value)} ms", times)
    shares = Axes(hour, labels, percent, lambda value: f"{plain(value)} %", times)
    return (
        lines("gw-latency", gettext("Latency, p95"), latencies, p95),
        lines("gw-errors", gettext("Errors"), shares, errors),
    )
