"""The chart of progress: endpoints, or routes if there is no inventory, by stage on each of the last days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext

from gateway.admin.chart import Axes, Chart, plain, stacked
from gateway.admin.inventory_cache import DAYS, Counted
from gateway.control import reports
from gateway.rollout.stage import LEGACY_STAGE, STAGES

if TYPE_CHECKING:
    from gateway.control.reports import DayOfStages, RouteStatus

__all__ = ["progress_chart"]


def progress_chart(found: Sequence[RouteStatus], counted: Counted | None, now: datetime) -> Chart:
    """Endpoints by stage in the last days, from what the audit log says of their routes; routes where no inventory is
    known. Endpoints, and which route has which, are those of today."""
    sizes = _sizes(found, counted)
    days = reports.stages_by_day({one.route: one.effective.stage for one in found}, now, DAYS)
    stages = _by_stage(days, sizes)
    series = [(stage, f"gw-at-{stage}", [float(day[stage]) for day in stages]) for stage in reversed(STAGES)]
    title = gettext("Routes by stage, by day") if counted is None else gettext("Endpoints by stage, by day")
    labels = [date_format(day.day, "j M") for day in days]
    return stacked("gw-progress", title, Axes(gettext("Day"), labels, _count, plain), series)


def _sizes(found: Sequence[RouteStatus], counted: Counted | None) -> Mapping[str | None, int]:
    """How many of the project's own endpoints each route has; None has those that no route claims."""
    if counted is None:
        return Counter(one.route for one in found)
    own = [entry.serving.claimed for entry in counted.inventory.entries if entry.own]
    return Counter(None if claimed is None else claimed.route for claimed in own)


def _by_stage(days: Sequence[DayOfStages], sizes: Mapping[str | None, int]) -> list[Counter[str]]:
    """How many there are at each stage, for each of `days`."""
    before: Mapping[str, str] = {}
    total = Counter({LEGACY_STAGE: sum(sizes.values())})
    found = []
    for day in days:
        for route, stage in day.stages.items() - before.items():  # most routes stay where they are
            total[before.get(route, LEGACY_STAGE)] -= sizes.get(route, 0)
            total[stage] += sizes.get(route, 0)
        found.append(total.copy())
        before = day.stages
    return found


def _count(value: float) -> str:
    return str(number_format(round(value), force_grouping=True))
