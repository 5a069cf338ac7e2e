"""The rules by which the responses of a route are compared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from gateway.clock import Clock
from gateway.config.routes import RouteConfig
from gateway.parity.redact.redaction import Redaction
from gateway.parity.rules import CompareRules

__all__ = ["Rules"]


class Rules:
    """The rules of each route, as of today: accepted differences expire."""

    def __init__(self, routes: Mapping[str, RouteConfig], key: bytes, clock: Clock) -> None:
        self._routes = routes
        self._key = key
        self._clock = clock
        self._day: date | None = None
        self._compiled: dict[str, tuple[CompareRules, Redaction]] = {}

    def of(self, route: str) -> tuple[CompareRules, Redaction]:
        """The rules of one route."""
        today = datetime.fromtimestamp(self._clock.time(), UTC).date()
        if today != self._day:
            self._day, self._compiled = today, {}
        if route not in self._compiled:
            rules = self._routes[route].compare.compiled(today)
            self._compiled[route] = rules, Redaction(self._key, rules)
        return self._compiled[route]
