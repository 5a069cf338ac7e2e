"""The endpoints of a route, each with the view of the project that stood at its path."""

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
from gateway.routing.table import ANY, SOCKET, Endpoint, Rule
from gateway.upstreams.introspection import unwrapped

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["Routed", "named", "routed", "samples_of"]

# What stands for a parameter: a number, a UUID, text.
SAMPLES = ("7", "0f0e0d0c-0b0a-0908-0706-050403020100", "qzx")
_parameter = re.compile(r"{[^}]*}")
MOST = 81  # combinations of samples that are tried


@dataclass(frozen=True, slots=True)
class Routed:
    """One method of an endpoint that a route claims, and what there is on both sides.

    `found` is what Django has for `path`, a sample of the template; None where it has nothing. `slash`: whether it has
    it with the same end. `route` is FastAPI's, `siblings` the service's endpoints at the same template by method.
    `answers`, `middleware` and `claim` are those of the configuration.
    """

    method: str
    endpoint: Endpoint
    path: str
    found: ResolverMatch | None
    slash: bool
    route: Any
    siblings: dict[str, Endpoint]
    answers: str
    bridged: bool
    claim: str
    limited: bool

    @property
    def view(self) -> Callable[..., Any] | None:
        """The project's view, as the URLconf has it."""
        return None if self.found is None else getattr(self.found, "moved_from", None) or self.found.func

    @property
    def function(self) -> Callable[..., Any]:
        """The endpoint's function, as it was written."""
        function: Any = self.endpoint.function
        return getattr(function, "__wrapped__", function)  # type: ignore[no-any-return]


def named(function: Any) -> str:
    """The dotted name of a view or function; of a class-based view, of its class."""
    made_of = class_behind(function)
    kind = function if made_of is None else made_of.kind
    name = getattr(kind, "__qualname__", type(kind).__qualname__)
    return f"{getattr(kind, '__module__', type(kind).__module__)}.{name}"


def _rules_of(gateway: Gateway, route: str) -> list[Rule]:
    """The rules of one route that can be compared: no sockets, nor the pages that FastAPI documents a service with."""
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


def _siblings(declared: Sequence[Endpoint], path: str) -> dict[str, Endpoint]:
    found: dict[str, Endpoint] = {}
    for endpoint in declared:
        if endpoint.path == path and endpoint.function is not None:
            for method in endpoint.methods:
                found.setdefault(method, endpoint)
    return found


def _api_routes(app: Any) -> Iterator[Any]:
    """FastAPI's and Starlette's routes with a function, mounted ones too."""
    for context in route_contexts(getattr(unwrapped(app), "routes", ())):
        route = context.original_route
        if hasattr(route, "endpoint"):
            yield route
        elif hasattr(route, "app"):
            yield from _api_routes(route.app)


def _legacy(endpoint: Endpoint) -> tuple[str, ResolverMatch | None, bool]:
    """A path of the template, what Django has there, and whether with the same end."""
    branch = patterns_of(settings.ROOT_URLCONF).branch(endpoint.path, endpoint.convertors)
    paths = samples_of(endpoint)
    for path in paths:
        if (found := branch.match(path)) is not None:
            return path, found, hasattr(found, "moved_from")
    for path in paths:  # one that a wider pattern takes in
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


def samples_of(endpoint: Endpoint) -> list[str]:
    """Some paths that the template stands for, whether or not its parameters take them in."""
    pieces = _parameter.split(endpoint.path)
    choices = islice(product(SAMPLES, repeat=len(pieces) - 1), MOST)
    return [
        pieces[0] + "".join(f"{value}{piece}" for value, piece in zip(values, pieces[1:], strict=True))
        for values in choices
    ]
