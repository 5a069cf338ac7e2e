"""Finds the project's endpoint for a path, and the route that claims it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.config.routes import RouteConfig
from gateway.recording.plan import plain_template
from gateway.routing.table import EXACT, TEMPLATE, EndpointPattern, Rule, Table
from gateway.workbench import inventory

__all__ = ["EndpointMatch", "EndpointMatcher"]


@dataclass(frozen=True, slots=True)
class EndpointMatch:
    """The path template of an endpoint, and the route that claims it, None if none does."""

    template: str
    route: str | None


class EndpointMatcher:
    """Finds the endpoint and the route of a recorded request."""

    def __init__(self, endpoints: Sequence[inventory.Endpoint], routes: Iterable[RouteConfig]) -> None:
        rules = []
        for order, one in enumerate(endpoints):
            template = plain_template(one.template)
            rank = TEMPLATE if "{" in template else EXACT
            rules.append(Rule("endpoint", EndpointPattern(template, frozenset((one.method,))), rank, order))
        self._table = Table(rules)
        self._routes = tuple(routes)

    def of(self, method: str, path: str) -> EndpointMatch | None:
        """The endpoint of a path; None if the project has none for it with that method."""
        match = self._table.match(unquote(path), method)
        if match is None or match.route is None:
            return None
        routes = (route.name for route in self._routes if _claims(route, method, match.template))
        return EndpointMatch(match.template, next(routes, None))


def _claims(route: RouteConfig, method: str, template: str) -> bool:
    """Whether the route claims this template according to the file; the service's declarations are not considered."""
    if route.methods and method not in route.methods:
        return False
    if route.path is not None:
        return _anonymous(route.path) == _anonymous(template)
    return f"{_anonymous(template)}/".startswith(f"{_anonymous(route.prefix or '/')}/")


def _anonymous(template: str) -> str:
    """A template without the names of its parameters, and without a slash at its end."""
    return re.sub(r"{[^}]*}", "{}", template).rstrip("/")
