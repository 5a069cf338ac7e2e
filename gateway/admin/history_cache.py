"""What charts are made of, read once a minute for all pages of a process: it may be a hundred thousand rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from gateway.admin.inventory_cache import DAYS
from gateway.control import reports

if TYPE_CHECKING:
    from gateway.control.reports import DayOfTraffic, HourOfRoute

__all__ = ["HISTORY", "HistoryCache"]

HOURS = 48  # of a route
MINUTE = timedelta(minutes=1)
MOST = 100  # routes


class HistoryCache:
    """The traffic of the last days, and of the last hours of routes whose pages are open."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[datetime, Any]] = {}  # by route; "" is the whole project

    def __len__(self) -> int:
        return len(self._kept)

    def days(self, now: datetime) -> list[DayOfTraffic]:
        """The last DAYS days, today included."""
        found: list[DayOfTraffic] = self._get("", now, lambda: reports.days_of_traffic(now, DAYS))
        return found

    def hours(self, route: str, now: datetime) -> list[HourOfRoute]:
        """The last HOURS hours of a route, the present one included."""
        found: list[HourOfRoute] = self._get(route, now, lambda: reports.hours_of_route(route, now, HOURS))
        return found

    def _get(self, key: str, now: datetime, read: Callable[[], Any]) -> Any:
        kept = self._kept.get(key)
        if kept is None or not timedelta(0) <= now - kept[0] < MINUTE:
            if len(self._kept) > MOST:
                self._kept.clear()
            self._kept[key] = kept = now, read()
        return kept[1]

    def clear(self) -> None:
        """Forget them."""
        self._kept.clear()


HISTORY = HistoryCache()
