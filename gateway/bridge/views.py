"""What stands in for a service's endpoints where middleware expects Django views."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.views.decorators.csrf import csrf_exempt
from starlette.routing import compile_path
from starlette.types import Scope

from gateway.routing.table import Endpoint, Match

__all__ = ["View", "Views", "atomic_aliases", "is_async"]

Function = Callable[..., HttpResponseBase]


class View:
    """One endpoint as middleware sees it.

    `function` has the endpoint's name, module and attributes, so that decorators which only mark a view
    (`csrf_exempt`, `login_not_required`, `non_atomic_requests`) mean the same on an endpoint.
    `sync`: a plain function. `atomic`: ATOMIC_REQUESTS applies to it. `dependencies`: what FastAPI calls before
    it. `checks_csrf`: one of these decides whether the CSRF token is asked for, instead of CsrfViewMiddleware.
    `methods`: of all endpoints at its path.
    """

    __slots__ = (
        "_pattern",
        "aliases",
        "atomic",
        "checks_csrf",
        "dependencies",
        "exempt",
        "function",
        "methods",
        "name",
        "namespace",
        "route",
        "sync",
    )

    def __init__(
        self,
        endpoint: Callable[..., Any],
        crossing: Function,
        namespace: str,
        route: str,
        dependencies: tuple[Callable[..., Any], ...] = (),
    ) -> None:
        self.function = _stand_in(endpoint, crossing)
        self.exempt = csrf_exempt(self.function)
        self.name: str = getattr(endpoint, "__name__", type(endpoint).__name__)
        self.namespace = namespace
        self.route = route
        self.sync = not is_async(endpoint) and route != ""
        self.aliases = atomic_aliases(endpoint)
        self.atomic = bool(self.aliases)
        self.dependencies = dependencies
        self.checks_csrf = _checks_csrf(dependencies)
        self.methods: frozenset[str] = frozenset()
        self._pattern = compile_path(route) if "{" in route else None

    def __repr__(self) -> str:
        return f"View({self.namespace}:{self.name} at {self.route!r})"

    def resolved(self, request: HttpRequest, *, exempt: bool) -> ResolverMatch:
        """What `request.resolver_match` is: the endpoint's name and template, in the service's namespace.

        `exempt`: from the CSRF check.
        """
        return ResolverMatch(
            self.exempt if exempt else self.function,
            (),
            self._arguments(request.path_info),
            url_name=self.name,
            namespaces=[self.namespace],
            route=self.route.lstrip("/"),
        )

    def _arguments(self, path: str) -> dict[str, Any]:
        if self._pattern is None:
            return {}
        regex, _, convertors = self._pattern
        found = re.match(regex, path)
        if found is None:  # the template has a prefix this application doesn't know of
            return {}
        return {name: convertors[name].convert(value) for name, value in found.groupdict().items()}


class Views:
    """The stand-ins of one service, found by what the routing table matched."""

    def __init__(self, service: str, endpoints: Sequence[Endpoint], crossing: Function) -> None:
        self._views: dict[tuple[str, str], View] = {}
        made: dict[tuple[object, ...], View] = {}
        for endpoint in endpoints:
            if endpoint.function is None:
                continue
            key = (id(endpoint.function), endpoint.path, *map(id, endpoint.dependencies))
            view = made.get(key) or View(endpoint.function, crossing, service, endpoint.path, endpoint.dependencies)
            made[key] = view
            for method in endpoint.methods:
                self._views.setdefault((endpoint.path, method), view)
            self._views.setdefault((endpoint.path, ""), view)
        methods: dict[str, set[str]] = {}
        for path, method in self._views:
            methods.setdefault(path, set()).add(method)
        for view in made.values():
            view.methods = frozenset(methods[view.route] - {""})
        self._any = View(_anything, crossing, service, "")
        self._any.function.__name__ = service

    def __iter__(self) -> Any:
        return iter({id(view): view for view in self._views.values()}.values())

    def find(self, scope: Scope) -> View:
        """The view for a request that the gateway routed; one for anything where the service can't be asked."""
        match: Match | None = scope.get("gateway.match")
        if match is None:
            return self._any
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        views = self._views
        return views.get((match.template, method)) or views.get((match.template, "")) or self._any


def atomic_aliases(endpoint: Callable[..., Any]) -> list[str]:
    """The databases whose ATOMIC_REQUESTS applies to `endpoint`, as Django decides it for a view."""
    if str(getattr(endpoint, "__module__", "")).startswith("fastapi."):
        return []  # its pages of documentation ask no database
    exempt = getattr(endpoint, "_non_atomic_requests", ())  # what transaction.non_atomic_requests leaves
    return [
        alias
        for alias, database in connections.settings.items()
        if database.get("ATOMIC_REQUESTS") and alias not in exempt
    ]


def _checks_csrf(dependencies: Sequence[Callable[..., Any]]) -> bool:
    """Whether a dependency asks for the token where it trusts a cookie, and no other trusts one without asking."""
    return any(getattr(dependency, "checks_csrf", False) for dependency in dependencies) and not any(
        getattr(dependency, "trusts_session", False) for dependency in dependencies
    )


def _stand_in(endpoint: Callable[..., Any], crossing: Function) -> Function:
    @wraps(endpoint)
    def view(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponseBase:
        return crossing(request)

    del view.__wrapped__  # its signature is not the endpoint's
    view.__dict__.pop("_is_coroutine_marker", None)
    return view


def is_async(endpoint: Callable[..., Any]) -> bool:
    """Whether the event loop runs `endpoint`: a coroutine function, or an object whose `__call__` is one."""
    call = endpoint if inspect.isroutine(endpoint) else getattr(endpoint, "__call__", endpoint)  # noqa: B004
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


def _anything() -> None:
    """An endpoint of a service that can't be asked what it declares."""
