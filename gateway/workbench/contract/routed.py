"""Pairs the endpoints of a route with the project's views that were at their paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import Resolver404, ResolverMatch, resolve

from gateway.compat.drf import class_behind
from gateway.compat.fastapi import is_documentation, route_contexts
from gateway.legacy.patterns import patterns_of
from gateway.legacy.urlconf import view_at
from gateway.routing.table import ANY, SOCKET, EndpointPattern, Rule
from gateway.upstreams.introspection import unwrapped

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["Routed", "named", "routed", "samples_of"]

# Sample values of a parameter: a number, a UUID, text.
SAMPLES = ("7", "0f0e0d0c-0b0a-0908-0706-050403020100", "qzx")
_parameter = re.compile(r"{[^}]*}")
MOST = 81  # combinations of samples that are tried


@dataclass(frozen=True, slots=True)
class Routed:
    """One method of an endpoint that a route claims, and both sides of it.

    `found` is Django's match for `path`, a sample of the template; None if there is none. `slash`: whether it matches
    with the same end. `route` is FastAPI's route, `siblings` are the service's endpoints with the same template by
    method. `answers`, `middleware` and `claim` are those of the configuration.
    """

    method: str
    endpoint: EndpointPattern
    path: str
    found: ResolverMatch | None
    slash: bool
    route: Any
    siblings: dict[str, EndpointPattern]
    answers: str
    bridged: bool
    claim: str
    limited: bool

    @property
    def view(self) -> Callable[..., Any] | None:
        """The project's view, as in the URLconf."""
        return None if self.found is None else getattr(self.found, "moved_from", None) or self.found.func

    @property
    def function(self) -> Callable[..., Any]:
        """The endpoint's function, unwrapped."""
        function: Any = self.endpoint.function
        return getattr(function, "__wrapped__", function)  # type: ignore[no-any-return]


def named(function: Any) -> str:
    """The dotted name of a view or function; for a class-based view, that of its class."""
    made_of = class_behind(function)
    kind = function if made_of is None else made_of.kind
    name = getattr(kind, "__qualname__", type(kind).__qualname__)
    return f"{getattr(kind, '__module__', type(kind).__module__)}.{name}"


def _rules_of(gateway: Gateway, route: str) -> list[Rule]:
    """The rules of one route that can be compared: without WebSockets and FastAPI's documentation pages."""
    return [
        rule
        for rule in gateway.snapshot.table.rules
        if rule.route == route
        and rule.endpoint.function is not None
        and SOCKET not in rule.endpoint.methods
        and not is_documentation(rule.endpoint.function)
    ]


def routed(gateway: Gateway, route: str) -> Iterator[Routed]:
    """Every endpoint of `route`, once for each method, in order of precedence."""
    config = gateway.snapshot.routes[route]
    service = gateway.config.services[config.service]
    upstream: Any = gateway.services[config.service]
    declared = upstream.endpoints() or []
    apis = {id(api.endpoint): api for api in _api_routes(getattr(upstream, "declared", None))}
    for rule in _rules_of(gateway, route):
        endpoint = rule.endpoint
        path, found, slash = _legacy(endpoint)
        for method in sorted(endpoint.methods - {ANY}):
            yield Routed(
                method,
                endpoint,
                path,
                found,
                slash,
                apis.get(id(endpoint.function)),
                _siblings(declared, endpoint.path),
                service.answers,
                service.app is not None and service.middleware != "none",
                config.claim,
                bool(config.methods),
            )


def _siblings(declared: Sequence[EndpointPattern], path: str) -> dict[str, EndpointPattern]:
    found: dict[str, EndpointPattern] = {}
    for endpoint in declared:
        if endpoint.path == path and endpoint.function is not None:
            for method in endpoint.methods:
                found.setdefault(method, endpoint)
    return found


def _api_routes(app: Any) -> Iterator[Any]:
    """Routes of FastAPI and Starlette with a function, including mounted ones."""
    for context in route_contexts(getattr(unwrapped(app), "routes", ())):
        route = context.original_route
        if hasattr(route, "endpoint"):
            yield route
        elif hasattr(route, "app"):
            yield from _api_routes(route.app)


def _legacy(endpoint: EndpointPattern) -> tuple[str, ResolverMatch | None, bool]:
    """A path that matches the template, Django's match for it, and whether with the same end."""
    branch = patterns_of(settings.ROOT_URLCONF).branch(endpoint.path, endpoint.convertors)
    paths = samples_of(endpoint)
    for path in paths:
        if (found := branch.match(path)) is not None:
            return path, found, hasattr(found, "moved_from")
    for path in paths:  # one that a wider pattern matches
        if (found := view_at(path)) is not None:
            return path, found, _has(path)
    return paths[0], None, True


def _has(path: str) -> bool:
    """Whether the project has `path` with this end."""
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def samples_of(endpoint: EndpointPattern) -> list[str]:
    """Some paths of the template's form, whether or not its convertors match them."""
    pieces = _parameter.split(endpoint.path)
    choices = islice(product(SAMPLES, repeat=len(pieces) - 1), MOST)
    return [
        pieces[0] + "".join(f"{value}{piece}" for value, piece in zip(values, pieces[1:], strict=True))
        for values in choices
    ]
