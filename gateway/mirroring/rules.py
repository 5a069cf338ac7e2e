"""The rules by which the responses of a route are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from gateway.clock import Clock
from gateway.config.routes import RouteConfig
from gateway.parity.redact.redaction import Redaction
from gateway.parity.rules import Accepted, CompareRules

__all__ = ["Rules"]


class Rules:
    """The rules of each route, as of today: accepted differences expire."""

    def __init__(self, routes: Mapping[str, RouteConfig], key: bytes, clock: Clock) -> None:
        self._routes = routes
        self._key = key
        self._clock = clock
        self._accepted: Mapping[str, Sequence[Accepted]] = {}
        self._day: date | None = None
        self._compiled: dict[str, tuple[CompareRules, Redaction]] = {}

    def accept(self, accepted: Mapping[str, Sequence[Accepted]]) -> None:
        """From now on, accept these differences of each route too. Any thread may call this."""
        self._accepted = accepted
        self._compiled = {}  # afterwards: see `of`

    def of(self, route: str) -> tuple[CompareRules, Redaction]:
        """The rules of one route."""
        today = datetime.fromtimestamp(self._clock.time(), UTC).date()
        if today != self._day:
            self._day, self._compiled = today, {}
        compiled = self._compiled  # first: what is compiled by older rules must not stay
        if route not in compiled:
            rules = self._routes[route].compare.compiled(today)
            if more := tuple(self._accepted.get(route, ())):
                in_force = tuple(one for one in more if not one.expired(today))
                rules = replace(rules, accepted=rules.accepted + more, in_force=rules.in_force + in_force)
            compiled[route] = rules, Redaction(self._key, rules)
        return compiled[route]
