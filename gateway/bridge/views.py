"""What stands in for a service's endpoints where middleware expects Django views."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, Protocol

from django.db import connections, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.views.decorators.csrf import csrf_exempt
from starlette.routing import compile_path
from starlette.types import Scope

from gateway.bridge.undo import transaction_aliases, undoing
from gateway.routing.table import (
    ANY,
    EXACT,
    TEMPLATE,
    Claim,
    Endpoint,
    Match,
    Table,
    TemplateError,
    parse_template,
)

__all__ = ["Profile", "View", "Views", "atomic_aliases", "is_async", "marked_as"]

Function = Callable[..., HttpResponseBase]
Siblings = Mapping[str, Endpoint]


class Profile(Protocol):
    """`answers = "…"`: which views stand in for the endpoints of a service, where it isn't plain functions.

    `strict_csrf`: as Django checks it for its own views, whether or not there is something to forge.
    `keeps_transaction`: an error that the service returns, and didn't raise, is committed.
    """

    strict_csrf: bool
    keeps_transaction: bool

    def view(self, endpoint: Endpoint, siblings: Siblings, crossing: Function) -> Function:
        """The view for `endpoint`. `siblings` are all on its path, by method; `crossing` lets the service answer."""

    def missing(self) -> Function:
        """The view for a path that the service doesn't have."""


class View:
    """One endpoint as middleware sees it.

    `function` has the endpoint's name, module and attributes, so that decorators which only mark a view
    (`csrf_exempt`, `login_not_required`, `non_atomic_requests`) mean the same on an endpoint.
    `sync`: a plain function. `atomic`: ATOMIC_REQUESTS applies to it, and `undoes` says that it ends with any
    answer that is an error. `undoable`: marked with `all_in_transaction`. `dependencies`: what FastAPI calls before it.
    `checks_csrf`: one of these decides whether the CSRF token is asked for, instead of CsrfViewMiddleware. `methods`:
    of all endpoints at its path.
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
        "undoable",
        "undoes",
    )

    def __init__(
        self,
        endpoint: Callable[..., Any],
        function: Function,
        namespace: str,
        route: str,
        dependencies: tuple[Callable[..., Any], ...] = (),
        profile: Profile | None = None,
    ) -> None:
        self.function = function
        self.exempt = function if profile is not None and profile.strict_csrf else csrf_exempt(function)
        self.name: str = getattr(endpoint, "__name__", type(endpoint).__name__)
        self.namespace = namespace
        self.route = route
        self.sync = not is_async(endpoint) and route != ""
        self.aliases = atomic_aliases(endpoint)
        self.atomic = bool(self.aliases)
        self.undoable = bool(transaction_aliases(endpoint))
        self.undoes = self.atomic and (profile is None or not profile.keeps_transaction)
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

    def __init__(
        self, service: str, endpoints: Sequence[Endpoint], crossing: Function, profile: Profile | None = None
    ) -> None:
        self._views: dict[tuple[str, str], View] = {}
        self._declared = _in_order(endpoints)
        self._by_order: dict[int, View] = {}
        made: dict[tuple[object, ...], View] = {}
        siblings = _by_path(endpoints)
        for order, endpoint in enumerate(endpoints):
            if endpoint.function is None:
                continue
            key = (id(endpoint.function), endpoint.path, *map(id, endpoint.dependencies))
            if key not in made:
                known = siblings.get(endpoint.path, {})
                function = _function(endpoint, known, crossing, profile)
                view = View(endpoint.function, function, service, endpoint.path, endpoint.dependencies, profile)
                view.methods = frozenset(known)
                made[key] = view
            self._by_order[order] = made[key]
            for method in endpoint.methods:
                self._views.setdefault((endpoint.path, method), made[key])
            self._views.setdefault((endpoint.path, ""), made[key])
        self._written_out = {  # where the path of a request is one of an endpoint, without parameters
            (endpoint.path, method): self._by_order[found.order]
            for endpoint in endpoints
            for method in endpoint.methods
            if (found := self._declared.first(endpoint.path, method)) is not None and found.order in self._by_order
        }
        self._any = View(_anything, _stand_in(_anything, crossing), service, "")
        self._any.function.__name__ = service
        self._nowhere = self._any
        self._paths: Table | None = None
        if profile is not None:
            self._paths = _table(endpoints)
            if all(endpoint.function is not None for endpoint in endpoints):
                self._nowhere = View(_anything, marked_as(_anything, profile.missing()), service, "", (), profile)

    def __iter__(self) -> Any:
        return iter({id(view): view for view in self._views.values()}.values())

    def find(self, scope: Scope) -> View:
        """The view for a request that the gateway routed; one for anything where the service can't be asked.

        It has to be the endpoint that the service itself will choose, the first that it declares for this path and
        method: not the most specific, as in gateway.toml. Or one endpoint's marks would hold for another.
        """
        match: Match | None = scope.get("gateway.match")
        if match is None:
            return self._any
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if (view := self._written_out.get((path, method))) is not None:
            return view
        found = self._declared.first(path, method)
        return self._by_itself(scope, method) if found is None else self._by_order.get(found.order, self._any)

    def _by_itself(self, scope: Scope, method: str) -> View:
        """The view for what a route claims without the service declaring it: `claim = "all"`."""
        if self._paths is None or method == "WEBSOCKET":
            return self._any
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        match = self._paths.match(path, method)
        if match is None:
            return self._nowhere
        return self._views.get((match.template, method)) or self._views.get((match.template, "")) or self._any


def _by_path(endpoints: Sequence[Endpoint]) -> dict[str, dict[str, Endpoint]]:
    """The endpoints of each path, by method."""
    found: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        if endpoint.function is not None:
            for method in endpoint.methods:
                found.setdefault(endpoint.path, {}).setdefault(method, endpoint)
    return found


def _function(endpoint: Endpoint, siblings: Siblings, crossing: Function, profile: Profile | None) -> Function:
    function = endpoint.function or _anything
    if profile is None or "WEBSOCKET" in endpoint.methods or _is_documentation(function):
        view = _stand_in(function, crossing)
    else:
        view = marked_as(function, profile.view(endpoint, siblings, crossing))
    if aliases := transaction_aliases(function):
        return marked_as(function, undoing(view, aliases))
    return view


def _table(endpoints: Sequence[Endpoint]) -> Table:
    """Which declared path a request is for, whatever its method."""
    paths = {
        endpoint.path: replace(endpoint, methods=frozenset({ANY}))
        for endpoint in endpoints
        if endpoint.methods != {"WEBSOCKET"}
    }
    return Table(
        Claim("", endpoint, TEMPLATE if "{" in path else EXACT, order)
        for order, (path, endpoint) in enumerate(paths.items())
    )


def _in_order(endpoints: Sequence[Endpoint]) -> Table:
    """What the service declares, in its own order. What no route of the gateway could match is left out."""
    return Table(
        Claim("", endpoint, EXACT, order) for order, endpoint in enumerate(endpoints) if _is_readable(endpoint)
    )


def _is_readable(endpoint: Endpoint) -> bool:
    try:
        parse_template(endpoint.path, dict(endpoint.convertors))
    except TemplateError:
        return False
    return True


def _is_documentation(function: Callable[..., Any]) -> bool:
    """Whether `function` gives FastAPI's own pages, or the OpenAPI document."""
    return str(getattr(function, "__module__", "")).startswith("fastapi.")


def atomic_aliases(endpoint: Callable[..., Any]) -> list[str]:
    """The databases whose ATOMIC_REQUESTS applies to `endpoint`, as Django decides it for a view."""
    if _is_documentation(endpoint):
        return []  # it asks no database
    exempt = {*getattr(endpoint, "_non_atomic_requests", ()), *transaction_aliases(endpoint)}
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
    def view(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponseBase:
        return crossing(request)

    return marked_as(endpoint, view)


def marked_as(endpoint: Callable[..., Any], view: Function) -> Function:
    """`view`, with the name of `endpoint`, and with its marks where it has none of its own."""
    own = dict(view.__dict__)
    wraps(endpoint)(view)
    view.__dict__.update(own)
    del view.__wrapped__  # type: ignore[attr-defined] # its signature is not the endpoint's
    view.__dict__.pop("_is_coroutine_marker", None)
    view.__dict__.pop("_non_atomic_requests", None)  # the endpoint's own
    for alias in connections.settings.keys() - set(atomic_aliases(endpoint)):
        transaction.non_atomic_requests(using=alias)(view)
    return view


def is_async(endpoint: Callable[..., Any]) -> bool:
    """Whether the event loop runs `endpoint`: a coroutine function, or an object whose `__call__` is one."""
    call = endpoint if inspect.isroutine(endpoint) else getattr(endpoint, "__call__", endpoint)  # noqa: B004
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


def _anything() -> None:
    """An endpoint of a service that can't be asked what it declares."""
