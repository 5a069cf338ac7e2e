"""Finds, before anything is served, what keeps a service from running inside the middleware."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db import connections
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import BaseRoute

from gateway.bridge.rollback import transaction_aliases
from gateway.bridge.route import BridgedRoute
from gateway.bridge.views import atomic_aliases
from gateway.bridge.waiting import waiting_entries
from gateway.compat.django import non_atomic_aliases
from gateway.compat.fastapi import route_contexts
from gateway.config.problems import Problem
from gateway.legacy.loading import Ways, all_sync_capable
from gateway.routing.table import EndpointPattern
from gateway.upstreams.introspection import unwrapped
from gateway.upstreams.service import is_async
from gateway.wording import qualified_name

__all__ = ["bridge_problems", "route_problems", "unbridged_problems", "unread_problems"]


def bridge_problems(
    name: str, middleware: object, endpoints: Sequence[EndpointPattern], ways: Ways | None
) -> list[Problem]:
    """What keeps service `name`, which declares `endpoints`, from running inside `middleware`. `ways` say how the
    project's RemoteUserMiddleware read their header; None: unknown, and no middleware is tried."""
    unknown = _unknown_entries(name, middleware)
    return [
        *(unknown if unknown or ways is None else _waiting(name, middleware, ways)),
        *_async_and_atomic(name, endpoints),
        *_not_undoable(name, endpoints),
        *_decorated(name, endpoints),
        *_at_odds(name, endpoints),
    ]


def unbridged_problems(name: str, app: object, endpoints: Sequence[EndpointPattern] | None) -> list[Problem]:
    """What keeps service `name` from running with `middleware = "none"`: ATOMIC_REQUESTS would have no effect.

    `non_atomic_requests` on an endpoint, or on the application, says that none is needed.
    `endpoints` is None when `app` can't be introspected.
    """
    functions: dict[str, tuple[Callable[..., Any], Sequence[Callable[..., Any]]]] = {}
    if endpoints is not None:
        functions = {one.path: (one.function, one.dependencies) for one in endpoints if one.function is not None}
    elif callable(app):
        functions = {"the application": (app, ())}
    exempt = non_atomic_aliases(app)
    problems = []
    for where, (function, dependencies) in functions.items():
        if aliases := [alias for alias in atomic_aliases(function, dependencies) if alias not in exempt]:
            expected = (
                f"ATOMIC_REQUESTS of database {aliases[0]!r} can't be kept for {qualified_name(function)} with "
                'middleware = "none"; leave that out, or mark it with django.db.transaction.non_atomic_requests'
            )
            problems.append(Problem(f"services.{name}", where, expected))
    return problems


def route_problems(name: str, answers: str, app: object, kind: type[BridgedRoute]) -> list[Problem]:
    """The endpoints of `app` that can't answer as `answers` says: those that aren't routes of `kind`, and those with a
    problem of their own."""
    problems = []
    for route in _api_routes(app):
        if isinstance(route, kind):
            wrong = route.problem()
        else:
            wrong = (
                f"is a plain APIRoute; write APIRouter(route_class={kind.__name__}), or app.router.route_class = "
                f"{kind.__name__} before its endpoints"
            )
        if wrong:
            what = f"{', '.join(sorted(route.methods or ()))} {route.path}: {wrong}"
            problems.append(Problem(f"services.{name}.answers", answers, what))
    return problems


def unread_problems(name: str, answers: str, app: object) -> list[Problem]:
    """The parameters with a DRF field that is never used to read what is sent: those of plain routes and WebSockets."""
    shapes: Any = sys.modules.get("gateway.bridge.drf.shapes")  # if it isn't imported, there are none
    problems = []
    for context in _contexts(app) if shapes is not None else ():
        route = context.original_route
        if answers == "drf" and isinstance(route, BridgedRoute):
            continue
        dependant = getattr(context, "dependant", None) or getattr(route, "dependant", None)
        if dependant is not None and (names := shapes.read_by_drf(dependant)):
            what = (
                f"parameter {names[0]} of {context.path}: fields of DRF read what is sent to a DRFRoute of a service "
                'with answers = "drf", and not here'
            )
            problems.append(Problem(f"services.{name}.answers", answers, what))
    return problems


def _contexts(app: object) -> Iterator[Any]:
    """Every route of `app`, with what the routers that include it add."""
    for context in route_contexts(getattr(unwrapped(app), "routes", ())):
        yield context
        if hasattr(context.original_route, "app") and not isinstance(
            context.original_route, APIRoute | APIWebSocketRoute
        ):
            yield from _contexts(context.original_route.app)  # a Mount's


def _api_routes(app: object) -> Iterator[APIRoute]:
    routes: Sequence[BaseRoute] = getattr(unwrapped(app), "routes", ())
    for context in route_contexts(routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "app"):
            yield from _api_routes(route.app)  # a Mount's


def _unknown_entries(name: str, middleware: object) -> list[Problem]:
    entries = middleware if isinstance(middleware, tuple) else ()
    return [
        Problem(f"services.{name}.middleware", entry, f"an entry of MIDDLEWARE ({', '.join(settings.MIDDLEWARE)})")
        for entry in entries
        if entry not in settings.MIDDLEWARE
    ]


def _waiting(name: str, middleware: object, ways: Ways) -> list[Problem]:
    """Entries because of which the service would wait, in an asynchronous chain, for a thread that waits for it."""
    chosen = middleware if isinstance(middleware, tuple) else None
    if all_sync_capable(settings.MIDDLEWARE if chosen is None else chosen, ways):
        return []
    expected = (
        "a middleware that awaits get_response, or that is synchronous (sync_capable): it calls get_response through "
        "async_to_sync, so that a thread waits while the view runs"
    )
    return [Problem(f"services.{name}.middleware", entry, expected) for entry in waiting_entries(chosen, ways)]


def _async_and_atomic(name: str, endpoints: Sequence[EndpointPattern]) -> list[Problem]:
    """Django itself refuses ATOMIC_REQUESTS for asynchronous views: a transaction belongs to a thread."""
    problems = []
    for endpoint in endpoints:
        function = endpoint.function
        if function is None or not is_async(function) or endpoint.methods == {"WEBSOCKET"}:
            continue
        if aliases := atomic_aliases(function, endpoint.dependencies):
            expected = (
                f"ATOMIC_REQUESTS of database {aliases[0]!r} can't be kept for async def {qualified_name(function)}; "
                "write `def`, or mark it with django.db.transaction.non_atomic_requests and use gateway.bridge.atomic "
                "where it writes"
            )
            problems.append(Problem(f"services.{name}", endpoint.path, expected))
    return problems


def _not_undoable(name: str, endpoints: Sequence[EndpointPattern]) -> list[Problem]:
    """What is marked with `all_in_transaction` has to run on one thread, in a database's own transactions."""
    problems = []
    for endpoint in endpoints:
        function = endpoint.function
        if function is None or not (aliases := transaction_aliases(function)):
            continue
        if is_async(function):
            expected = f"`def` instead of async def {qualified_name(function)}: all_in_transaction needs one thread"
            problems.append(Problem(f"services.{name}", endpoint.path, expected))
        elif unknown := [alias for alias in aliases if alias not in connections.settings]:
            expected = (
                f"all_in_transaction(using=…) of {qualified_name(function)} to name databases, not {unknown[0]!r}"
            )
            problems.append(Problem(f"services.{name}", endpoint.path, expected))
    return problems


def _decorated(name: str, endpoints: Sequence[EndpointPattern]) -> list[Problem]:
    """Decorators for views pass on a request, which FastAPI passes only to endpoints with a parameter of that name."""
    problems = {}
    for endpoint in endpoints:
        function = endpoint.function
        if function is None or not hasattr(function, "__wrapped__"):
            continue
        asked_for, taken = (inspect.signature(function, follow_wrapped=follow).parameters for follow in (True, False))
        if next(iter(taken), "") == "request" and "request" not in asked_for:
            expected = (
                f"{qualified_name(function)} without a decorator for Django's views; gateway.bridge has csrf_exempt"
            )
            problems[function] = Problem(f"services.{name}", endpoint.path, expected)
    return [*problems.values()]


def _at_odds(name: str, endpoints: Sequence[EndpointPattern]) -> list[Problem]:
    """The endpoints with dependencies of `gateway.bridge.drf` that can't be combined in one view."""
    drf: Any = sys.modules.get("gateway.bridge.drf.request")  # if it isn't imported, there are none
    problems = []
    for endpoint in endpoints if drf is not None else ():
        try:
            drf.view_class(endpoint.dependencies, frozenset())
        except RuntimeError as exc:
            problems.append(Problem(f"services.{name}", endpoint.path, str(exc)))
    return problems
