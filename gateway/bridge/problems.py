"""What can't be bridged, found before anything is served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.conf import settings
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from gateway.bridge.route import BridgedRoute
from gateway.bridge.views import atomic_aliases, is_async
from gateway.config import Problem
from gateway.routing.table import Endpoint

__all__ = ["bridge_problems", "route_problems"]


def bridge_problems(name: str, middleware: object, endpoints: Sequence[Endpoint]) -> list[Problem]:
    """What keeps service `name`, which declares `endpoints`, from running inside `middleware`."""
    return [*_unknown_entries(name, middleware), *_async_and_atomic(name, endpoints)]


def route_problems(name: str, answers: str, app: object, kind: type[BridgedRoute]) -> list[Problem]:
    """The endpoints of `app` that couldn't answer as `answers` says: those that aren't routes of `kind`, and what
    these say of themselves."""
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


def _api_routes(app: object) -> Iterator[APIRoute]:
    while not hasattr(app, "routes") and callable(getattr(app, "app", None)):
        app = app.app  # type: ignore[attr-defined] # ASGI middleware wrapped around the application
    routes: Sequence[BaseRoute] = getattr(app, "routes", ())
    for context in iter_route_contexts(routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "app") and not isinstance(route, APIRoute):
            yield from _api_routes(route.app)  # a Mount's


def _unknown_entries(name: str, middleware: object) -> list[Problem]:
    entries = middleware if isinstance(middleware, tuple) else ()
    return [
        Problem(f"services.{name}.middleware", entry, f"an entry of MIDDLEWARE ({', '.join(settings.MIDDLEWARE)})")
        for entry in entries
        if entry not in settings.MIDDLEWARE
    ]


def _async_and_atomic(name: str, endpoints: Sequence[Endpoint]) -> list[Problem]:
    """Django itself refuses ATOMIC_REQUESTS for asynchronous views: a transaction belongs to a thread."""
    problems = []
    for endpoint in endpoints:
        function = endpoint.function
        if function is None or not is_async(function) or endpoint.methods == {"WEBSOCKET"}:
            continue
        if function.__module__ == "fastapi.applications":  # its documentation, which doesn't touch a database
            continue
        if aliases := atomic_aliases(function):
            where = f"{function.__module__}.{getattr(function, '__qualname__', function)}"
            expected = (
                f"ATOMIC_REQUESTS of database {aliases[0]!r} can't be kept for async def {where}; write `def`, or mark "
                "it with django.db.transaction.non_atomic_requests and use gateway.bridge.atomic where it writes"
            )
            problems.append(Problem(f"services.{name}", endpoint.path, expected))
    return problems
