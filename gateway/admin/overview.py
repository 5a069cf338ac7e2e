"""The first page: progress of the migration, every route by stage, and what operators have to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext

from gateway.admin.board import Column, columns
from gateway.admin.chart import Axes, Bar, Chart, lines, plain, segments, stacked
from gateway.admin.history_cache import HISTORY
from gateway.admin.inventory_cache import INVENTORY, Counted
from gateway.admin.progress import progress_chart
from gateway.admin.project import AdminProject
from gateway.admin.waiting import WaitingRoute, waiting
from gateway.control import reports
from gateway.control.templatetags.gateway_admin import percent

if TYPE_CHECKING:
    from gateway.control.reports import DayOfTraffic, WorkerReport
    from gateway.control.transitions import Transition

__all__ = ["Overview", "WorkerRow", "overview"]

LATEST = 10  # changes
DEAD = 20  # endpoints that are listed; the page of endpoints has all
SILENT = timedelta(seconds=15)  # since a worker was seen


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker. `behind`: its snapshot is older than the last change. `silent`: it was not seen lately. `releases` are
    pairs, since a service may be called "items"."""

    worker: WorkerReport
    behind: bool
    silent: bool
    releases: tuple[tuple[str, str], ...]
    resting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page."""

    columns: tuple[Column, ...]
    waiting: tuple[WaitingRoute, ...]
    workers: tuple[WorkerRow, ...]
    changes: tuple[Transition, ...]
    charts: tuple[Chart, ...]
    today: DayOfTraffic | None
    source: str
    counted: Counted | None
    stages: tuple[Bar, ...]
    dead: int
    served: bool
    moved: int
    total: int
    names: frozenset[str]


def overview(project: AdminProject, now: datetime) -> Overview:
    """What the page shows; ten queries, however many routes there are."""
    rows = reports.worker_rows()
    found = reports.status(project.routes, now, rows=rows, window_only=True)
    days = HISTORY.days(now)
    changes = reports.changes(limit=LATEST)
    counted = INVENTORY.peek(project.gateway) if project.gateway is not None else None
    stages = Counter(status.effective.stage for status in found)
    return Overview(
        columns=columns(found),
        waiting=tuple(waiting(found, project.routes, now)),
        workers=_rows(reports.workers(now, rows), changes[0].revision if changes else 0, now),
        changes=tuple(changes),
        charts=(progress_chart(found, counted, now), *_charts(days)),
        today=days[-1] if days else None,
        source=project.config.source,
        counted=counted,
        stages=() if counted is None else _stages(counted.progress.endpoints),
        dead=0 if counted is None else len(counted.dead),
        served=project.gateway is not None,
        moved=stages["live"] + stages["retired"],
        total=len(found),
        names=frozenset(status.route for status in found),
    )


def _rows(workers: Sequence[WorkerReport], revision: int, now: datetime) -> tuple[WorkerRow, ...]:
    newest = max([worker.revision for worker in workers] + [revision])
    return tuple(
        WorkerRow(
            worker,
            behind=worker.revision < newest,
            silent=now - worker.seen > SILENT,
            releases=tuple(worker.releases.items()),
            resting=tuple(worker.resting.values()),
        )
        for worker in workers
    )


def _stages(endpoints: Mapping[str, int]) -> tuple[Bar, ...]:
    return segments([(f"gw-at-{stage}", number) for stage, number in endpoints.items()])


def _charts(days: Sequence[DayOfTraffic]) -> tuple[Chart, ...]:
    labels = [date_format(day.day, "j M") for day in days]
    sides = (
        (gettext("legacy"), "gw-legacy", [float(day.legacy) for day in days]),
        (gettext("service"), "gw-service", [float(day.service) for day in days]),
        (gettext("legacy, after a service failed"), "gw-fallback", [float(day.fallback) for day in days]),
    )
    share = ((gettext("answered by services"), "gw-service", [day.service_percent for day in days]),)
    day = gettext("Day")
    return (
        stacked("gw-answered", gettext("Who answered"), Axes(day, labels, _count, plain), sides),
        lines("gw-share", gettext("Share of services"), Axes(day, labels, percent, _plain_percent), share),
    )


def _count(value: float) -> str:
    return str(number_format(round(value), force_grouping=True))


def _plain_percent(value: float) -> str:
    return f"{plain(value)} %"
