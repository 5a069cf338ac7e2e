"""Django views that replace a service's endpoints where middleware expects a view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import WRAPPER_ASSIGNMENTS, wraps
from types import SimpleNamespace
from typing import Any, Protocol

from django.db import connections, transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, get_resolver
from django.views.decorators.csrf import csrf_exempt
from starlette.types import Scope

from gateway.bridge.place import Place
from gateway.bridge.rollback import transaction_aliases, undoing
from gateway.compat.asgiref import unmark_coroutine
from gateway.compat.django import forget_non_atomic, non_atomic_aliases
from gateway.compat.fastapi import is_documentation
from gateway.routing.paths import Paths
from gateway.routing.table import (
    ANY,
    EXACT,
    TEMPLATE,
    EndpointPattern,
    Match,
    Rule,
    Table,
)
from gateway.upstreams.service import is_async

__all__ = ["ResponseStyle", "View", "Views", "atomic_aliases", "marked_as"]

Function = Callable[..., HttpResponseBase]
Siblings = Mapping[str, EndpointPattern]


class ResponseStyle(Protocol):
    """`answers = "…"`: which views replace the endpoints of a service, if not plain functions.

    `strict_csrf`: CSRF is checked as for Django's own views, even if the request can't be forged. `keeps_transaction`:
    an error response that the service returns, instead of raising, is committed.
    """

    strict_csrf: bool
    keeps_transaction: bool

    def view(self, endpoint: EndpointPattern, siblings: Siblings, crossing: Function) -> Function:
        """The view for `endpoint`. `siblings` are all endpoints at its path, by method; `crossing` calls the
        service."""


class View:
    """One endpoint as middleware sees it.

    `function` has the endpoint's name, module and attributes, so that decorators which only mark a view
    (`csrf_exempt`, `login_not_required`, `non_atomic_requests`) mean the same on an endpoint.
    `sync`: a plain function. `aliases`: the databases whose ATOMIC_REQUESTS applies to it, and `undoes` says that their
    transactions end with any answer that is an error. `undoable`: marked with `all_in_transaction`.
    `lingers`: it may have something to do after its answer.
    `dependencies`: what FastAPI calls before it. `checks_csrf`: one of these decides whether the CSRF token is asked
    for, instead of CsrfViewMiddleware. `methods`: of all endpoints at its path. `service` is the name of its service.
    """

    __slots__ = (
        "aliases",
        "checks_csrf",
        "dependencies",
        "exempt",
        "function",
        "lingers",
        "methods",
        "name",
        "place",
        "service",
        "sync",
        "undoable",
        "undoes",
    )

    def __init__(
        self,
        endpoint: Callable[..., Any],
        function: Function,
        service: str,
        place: Place,
        dependencies: tuple[Callable[..., Any], ...] = (),
        style: ResponseStyle | None = None,
        *,
        methods: Iterable[str] = (),
        socket: bool = False,
        lingers: bool = False,
    ) -> None:
        self.function = function
        self.exempt = function if style is not None and style.strict_csrf else csrf_exempt(function)
        self.name: str = getattr(endpoint, "__name__", type(endpoint).__name__)
        self.service = service
        self.place = place
        self.sync = not is_async(endpoint) and place.template != ""
        self.aliases = [] if socket else atomic_aliases(endpoint, dependencies)
        self.undoable = bool(transaction_aliases(endpoint))
        self.undoes = bool(self.aliases) and (style is None or not style.keeps_transaction)
        self.lingers = lingers
        self.dependencies = dependencies
        self.checks_csrf = _checks_csrf(dependencies)
        self.methods = frozenset(methods)

    def __repr__(self) -> str:
        return f"View({self.service}:{self.name} at {self.place.template!r})"

    def resolved(self, path: str, urlconf: Any = None, *, exempt: bool = False) -> ResolverMatch:
        """The value of `request.resolver_match`: that of the URL at `path` in the project's URLconf, or in `urlconf`,
        with this view. For a new path: the endpoint's name and template, in the namespaces of the includes around it.

        `exempt`: without the CSRF check.
        """
        function, place = self.exempt if exempt else self.function, self.place
        if not place.template:  # the service can't be introspected
            try:
                there = get_resolver(urlconf).resolve(path)
            except Resolver404:
                return ResolverMatch(function, (), {}, url_name=self.name)
            there.func = function
            return there
        branch = place.branch(urlconf)
        found = branch.match(path)
        if found is not None:
            found.func = function
            return found
        return ResolverMatch(
            function,
            (),
            place.arguments(path),
            self.name,
            branch.app_names,
            branch.namespaces,
            place.template.lstrip("/"),
        )


class Views:
    """The views of one service, found by the routing table's match."""

    def __init__(
        self, service: str, endpoints: Sequence[EndpointPattern], crossing: Function, style: ResponseStyle | None = None
    ) -> None:
        self._views: dict[tuple[str, str], View] = {}
        self._declared = Paths(endpoints)
        self._by_order: dict[int, View] = {}
        made: dict[tuple[object, ...], View] = {}
        siblings = _by_path(endpoints)
        for order, endpoint in enumerate(endpoints):
            if endpoint.function is None:
                continue
            key = (id(endpoint.function), endpoint.path, *map(id, endpoint.dependencies))
            if key not in made:
                known = siblings.get(endpoint.path, {})
                made[key] = View(
                    endpoint.function,
                    _function(endpoint, known, crossing, style),
                    service,
                    Place(endpoint.path, endpoint.convertors, endpoint.dependencies),
                    endpoint.dependencies,
                    style,
                    methods=known,
                    socket=_is_socket(endpoint),
                    lingers=endpoint.lingers,
                )
            self._by_order[order] = made[key]
            for method in endpoint.methods:
                self._views.setdefault((endpoint.path, method), made[key])
            self._views.setdefault((endpoint.path, ""), made[key])
        self._written_out = {  # for paths that are an endpoint's, without parameters
            (endpoint.path, method): self._by_order[found.order]
            for endpoint in endpoints
            for method in (*endpoint.methods, "HEAD")
            if (found := self._declared.first(endpoint.path, method)) is not None and found.order in self._by_order
        }
        self._any = View(_anything, _stand_in(_anything, crossing), service, Place(""))
        self._any.function.__name__ = service
        self._nowhere = self._any
        self._paths: Table | None = None
        if style is not None:
            self._paths = _table(endpoints)
            if all(endpoint.function is not None for endpoint in endpoints):
                self._nowhere = View(_anything, marked_as(_anything, _missing()), service, Place(""), (), style)

    def find(self, scope: Scope) -> View:
        """The view for a request that the gateway routed; if the service can't be introspected, one for all requests.

        It must be that of the endpoint which the service itself will choose, otherwise another endpoint's marks would
        apply: the first that it declares for this path and method, not the most specific as in gateway.toml. For a
        method that the path's owner lacks, it is one of the owner's.
        """
        match: Match | None = scope.get("gateway.match")
        if match is None:
            return self._any
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not match.undeclared and (view := self._written_out.get((path, method))) is not None:
            return view
        found = self._declared.owned(path, method) if match.undeclared else self._declared.first(path, method)
        return self._by_itself(scope, method) if found is None else self._by_order.get(found.order, self._any)

    def _by_itself(self, scope: Scope, method: str) -> View:
        """The view for what a route claims although the service doesn't declare it: `claim = "all"`."""
        if self._paths is None or method == "WEBSOCKET":
            return self._any
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        match = self._paths.match(path, method)
        if match is None:
            return self._nowhere
        return self._views.get((match.template, method)) or self._views.get((match.template, "")) or self._any


def _missing() -> Function:
    """The view for a path that the service doesn't have: Django's 404."""

    def view(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponseBase:
        raise Http404(f"{request.path} is no endpoint")

    view.login_required = False  # type: ignore[attr-defined] # LoginRequiredMiddleware lets a path through that nobody has
    return view


def _by_path(endpoints: Sequence[EndpointPattern]) -> dict[str, dict[str, EndpointPattern]]:
    """The endpoints of each path, by method."""
    found: dict[str, dict[str, EndpointPattern]] = {}
    for endpoint in endpoints:
        if endpoint.function is not None:
            for method in endpoint.methods:
                found.setdefault(endpoint.path, {}).setdefault(method, endpoint)
    return found


def _function(
    endpoint: EndpointPattern, siblings: Siblings, crossing: Function, style: ResponseStyle | None
) -> Function:
    function = endpoint.function or _anything
    if _is_socket(endpoint):
        return _without_transaction(_stand_in(function, crossing))
    if style is None or is_documentation(function):
        view = _stand_in(function, crossing, endpoint.dependencies)
    else:
        view = marked_as(function, style.view(endpoint, siblings, crossing), endpoint.dependencies)
    if aliases := transaction_aliases(function):
        return marked_as(function, undoing(view, aliases))
    return view


def _is_socket(endpoint: EndpointPattern) -> bool:
    return "WEBSOCKET" in endpoint.methods


def _without_transaction(view: Function) -> Function:
    """`view` without ATOMIC_REQUESTS: a WebSocket's transaction would end when it is accepted."""
    for alias in connections.settings:
        transaction.non_atomic_requests(using=alias)(view)
    return view


def _table(endpoints: Sequence[EndpointPattern]) -> Table:
    """A table that finds the declared path of a request, whatever its method."""
    paths = {
        endpoint.path: replace(endpoint, methods=frozenset({ANY}))
        for endpoint in endpoints
        if endpoint.methods != {"WEBSOCKET"}
    }
    return Table(
        Rule("", endpoint, TEMPLATE if "{" in path else EXACT, order)
        for order, (path, endpoint) in enumerate(paths.items())
    )


def marks_of(dependencies: Sequence[Callable[..., Any]]) -> dict[str, Any]:
    """Attributes of the views that `dependencies` stand for (`gateway.bridge.drf.request.ViewPart.marks`)."""
    marks: dict[str, Any] = {}
    for dependency in dependencies:
        marks |= getattr(dependency, "marks", {})
    return marks


def atomic_aliases(endpoint: Callable[..., Any], dependencies: Sequence[Callable[..., Any]] = ()) -> list[str]:
    """The databases whose ATOMIC_REQUESTS applies to `endpoint`, by Django's rule for views."""
    if is_documentation(endpoint):
        return []  # it uses no database
    named = SimpleNamespace(**marks_of(dependencies))  # the views that dependencies stand for
    exempt = non_atomic_aliases(endpoint) | non_atomic_aliases(named) | {*transaction_aliases(endpoint)}
    return [
        alias
        for alias, database in connections.settings.items()
        if database.get("ATOMIC_REQUESTS") and alias not in exempt
    ]


def _checks_csrf(dependencies: Sequence[Callable[..., Any]]) -> bool:
    """Whether a dependency checks the token where it accepts a cookie, and none accepts a cookie without that."""
    return any(getattr(dependency, "checks_csrf", False) for dependency in dependencies) and not any(
        getattr(dependency, "trusts_session", False) for dependency in dependencies
    )


def _stand_in(
    endpoint: Callable[..., Any], crossing: Function, dependencies: Sequence[Callable[..., Any]] = ()
) -> Function:
    def view(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponseBase:
        return crossing(request)

    return marked_as(endpoint, view, dependencies)


def marked_as(
    endpoint: Callable[..., Any], view: Function, dependencies: Sequence[Callable[..., Any]] = ()
) -> Function:
    """`view` with the name of `endpoint`, and with its marks unless the view has its own. If one of `dependencies`
    names a view, name and marks are that view's."""
    own, marks = dict(view.__dict__), marks_of(dependencies)
    named = "cls" in own and any(getattr(dependency, "view", None) for dependency in dependencies)
    wraps(endpoint, assigned=() if named else WRAPPER_ASSIGNMENTS)(view)
    view.__dict__.update(own)
    view.__dict__.update({name: value for name, value in marks.items() if name not in view.__dict__})
    del view.__wrapped__  # type: ignore[attr-defined] # the view has another signature
    unmark_coroutine(view)
    forget_non_atomic(view)  # the endpoint's own
    for alias in connections.settings.keys() - set(atomic_aliases(endpoint, dependencies)):
        transaction.non_atomic_requests(using=alias)(view)
    return view


def _anything() -> None:
    """Replaces the endpoints of a service that can't be introspected."""
