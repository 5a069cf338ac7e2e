"""What was, over time: traffic of the whole project and stages of all routes by days, and one route by hours."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db.models import Sum

from gateway.control.database import alias
from gateway.control.models import Change, CounterWindow, EndpointDay, Hour
from gateway.stats.histogram import Histogram

__all__ = [
    "DayOfStages",
    "DayOfTraffic",
    "HourOfRoute",
    "HourOfSide",
    "days_of_traffic",
    "hours_of_route",
    "stages_by_day",
]

HOUR, DAY = 3600, 86400  # seconds
LEGACY = "legacy"
P95 = 0.95
SIDES = {"service": "service", "service mirrored": "service", LEGACY: LEGACY, "legacy mirrored": LEGACY}


@dataclass(frozen=True, slots=True)
class DayOfTraffic:
    """The requests of one day (UTC) by who answered. `fallback`: legacy, after a service had failed; the last two hours
    are not in it yet."""

    day: datetime
    legacy: int
    service: int
    fallback: int

    @property
    def service_percent(self) -> float | None:
        """The percentage that services answered; None without requests."""
        total = self.legacy + self.service + self.fallback
        return 100 * self.service / total if total else None


def days_of_traffic(now: datetime, days: int) -> list[DayOfTraffic]:
    """The last `days` days, today included, oldest first. `now` is an aware datetime."""
    today = int(now.timestamp()) // DAY * DAY
    first = today - (days - 1) * DAY
    answered: dict[tuple[int, bool], int] = defaultdict(int)
    counted = EndpointDay.objects.using(alias()).filter(day__gte=first).values_list("day", "upstream")
    for day, upstream, requests in counted.annotate(total=Sum("requests")).order_by():
        answered[day, upstream == LEGACY] += requests
    fallbacks: dict[int, int] = defaultdict(int)
    fell_back = Hour.objects.using(alias()).filter(fallbacks__gt=0, start__gte=first)
    for start, count in fell_back.values_list("start", "fallbacks"):
        fallbacks[start // DAY * DAY] += count
    return [
        DayOfTraffic(
            datetime.fromtimestamp(day, UTC),
            answered[day, True],
            max(answered[day, False] - fallbacks[day], 0),
            fallbacks[day],
        )
        for day in range(first, today + 1, DAY)
    ]


@dataclass(frozen=True, slots=True)
class DayOfStages:
    """The stage of each route at the end of a day (UTC), or now if the day is not over."""

    day: datetime
    stages: Mapping[str, str]


def stages_by_day(present: Mapping[str, str], now: datetime, days: int) -> list[DayOfStages]:
    """The stages in the last `days` days, today included, oldest first. `present` are those of now, by route.

    From them back to what the audit log says each change has replaced. `now` is an aware datetime.
    """
    today = int(now.timestamp()) // DAY * DAY
    starts = [datetime.fromtimestamp(start, UTC) for start in range(today - (days - 1) * DAY, today + 1, DAY)]
    rows = Change.objects.using(alias()).filter(at__gte=starts[0]).exclude(verb="record").order_by("-at", "-revision")
    changes = deque(rows.values_list("at", "route", "from_stage"))
    stages = dict(present)
    found = []
    for start in reversed(starts):
        found.append(DayOfStages(start, dict(stages)))
        while changes and changes[0][0] >= start:
            _, route, before = changes.popleft()
            if route in stages:
                stages[route] = before
    return found[::-1]


@dataclass(slots=True)
class HourOfSide:
    """One side of a route in an hour; mirrors where callers didn't reach it."""

    requests: int = 0
    errors: int = 0
    histogram: Histogram = field(default_factory=Histogram)

    @property
    def p95(self) -> float | None:
        """In seconds; None without requests."""
        return self.histogram.quantile(P95)

    @property
    def error_percent(self) -> float | None:
        """None without requests."""
        return 100 * self.errors / self.requests if self.requests else None

    def add(self, requests: int, errors: int, histogram: Mapping[str, int]) -> None:
        """Add the counts of a row."""
        self.requests += requests
        self.errors += errors
        self.histogram.add_json(histogram)


@dataclass(frozen=True, slots=True)
class HourOfRoute:
    """Both sides of a route in the hour that began at `start`."""

    start: datetime
    service: HourOfSide
    legacy: HourOfSide


def hours_of_route(route: str, now: datetime, hours: int) -> list[HourOfRoute]:
    """The last `hours` hours of a route, the present one included, oldest first. `now` is an aware datetime."""
    present = int(now.timestamp()) // HOUR * HOUR
    first = present - (hours - 1) * HOUR
    callers: dict[tuple[int, str], HourOfSide] = defaultdict(HourOfSide)
    mirrors: dict[tuple[int, str], HourOfSide] = defaultdict(HourOfSide)
    columns = "side", "start", "requests", "errors", "histogram"  # no instances: there may be thousands of windows
    for model in (Hour, CounterWindow):
        rows = model._base_manager.using(alias()).filter(route=route, start__gte=first)  # noqa: SLF001 - documented
        for kind, start, *counts in rows.values_list(*columns):
            if (side := SIDES.get(kind)) is not None:
                (callers if kind == side else mirrors)[start // HOUR * HOUR, side].add(*counts)
    return [
        HourOfRoute(
            datetime.fromtimestamp(start, UTC),
            *(callers.get((start, side)) or mirrors[start, side] for side in ("service", LEGACY)),
        )
        for start in range(first, present + 1, HOUR)
    ]
