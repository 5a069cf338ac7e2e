"""What can't be bridged, found before anything is served."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db import connections
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from gateway.bridge.route import BridgedRoute
from gateway.bridge.undo import transaction_aliases
from gateway.bridge.views import atomic_aliases, is_async
from gateway.config import Problem
from gateway.routing.table import Endpoint
from gateway.upstreams.service import unwrapped

__all__ = ["bridge_problems", "route_problems", "unbridged_problems"]


def bridge_problems(name: str, middleware: object, endpoints: Sequence[Endpoint]) -> list[Problem]:
    """What keeps service `name`, which declares `endpoints`, from running inside `middleware`."""
    return [
        *_unknown_entries(name, middleware),
        *_async_and_atomic(name, endpoints),
        *_not_undoable(name, endpoints),
        *_decorated(name, endpoints),
        *_at_odds(name, endpoints),
    ]


def unbridged_problems(name: str, app: object, endpoints: Sequence[Endpoint] | None) -> list[Problem]:
    """What keeps service `name` from running with `middleware = "none"`: nothing would keep ATOMIC_REQUESTS there.

    `non_atomic_requests` says that an endpoint does without; on the application, that all of it does.
    `endpoints` is None where `app` can't be asked.
    """
    functions: dict[str, Callable[..., Any]] = {}
    if endpoints is not None:
        functions = {endpoint.path: endpoint.function for endpoint in endpoints if endpoint.function is not None}
    elif callable(app):
        functions = {"the application": app}
    exempt = getattr(app, "_non_atomic_requests", ())
    problems = []
    for where, function in functions.items():
        if aliases := [alias for alias in atomic_aliases(function) if alias not in exempt]:
            expected = (
                f"ATOMIC_REQUESTS of database {aliases[0]!r} can't be kept for {_named(function)} with middleware = "
                '"none"; leave that out, or mark it with django.db.transaction.non_atomic_requests'
            )
            problems.append(Problem(f"services.{name}", where, expected))
    return problems


def _named(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"


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
    routes: Sequence[BaseRoute] = getattr(unwrapped(app), "routes", ())
    for context in iter_route_contexts(routes):
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


def _async_and_atomic(name: str, endpoints: Sequence[Endpoint]) -> list[Problem]:
    """Django itself refuses ATOMIC_REQUESTS for asynchronous views: a transaction belongs to a thread."""
    problems = []
    for endpoint in endpoints:
        function = endpoint.function
        if function is None or not is_async(function) or endpoint.methods == {"WEBSOCKET"}:
            continue
        if aliases := atomic_aliases(function):
            expected = (
                f"ATOMIC_REQUESTS of database {aliases[0]!r} can't be kept for async def {_named(function)}; write "
                "`def`, or mark it with django.db.transaction.non_atomic_requests and use gateway.bridge.atomic where "
                "it writes"
            )
            problems.append(Problem(f"services.{name}", endpoint.path, expected))
    return problems


def _not_undoable(name: str, endpoints: Sequence[Endpoint]) -> list[Problem]:
    """What is marked with `all_in_transaction` has to run on one thread, in a database's own transactions."""
    problems = []
    for endpoint in endpoints:
        function = endpoint.function
        if function is None or not (aliases := transaction_aliases(function)):
            continue
        if is_async(function):
            expected = f"`def` instead of async def {_named(function)}: all_in_transaction needs one thread"
            problems.append(Problem(f"services.{name}", endpoint.path, expected))
        elif unknown := [alias for alias in aliases if alias not in connections.settings]:
            expected = f"all_in_transaction(using=…) of {_named(function)} to name databases, not {unknown[0]!r}"
            problems.append(Problem(f"services.{name}", endpoint.path, expected))
    return problems


def _decorated(name: str, endpoints: Sequence[Endpoint]) -> list[Problem]:
    """Decorators for views hand on a request, which FastAPI passes by name to those endpoints only that ask for it."""
    problems = {}
    for endpoint in endpoints:
        function = endpoint.function
        if function is None or not hasattr(function, "__wrapped__"):
            continue
        asked_for, taken = (inspect.signature(function, follow_wrapped=follow).parameters for follow in (True, False))
        if next(iter(taken), "") == "request" and "request" not in asked_for:
            expected = f"{_named(function)} without a decorator for Django's views; gateway.bridge has csrf_exempt"
            problems[function] = Problem(f"services.{name}", endpoint.path, expected)
    return [*problems.values()]


def _at_odds(name: str, endpoints: Sequence[Endpoint]) -> list[Problem]:
    """The endpoints with dependencies of `gateway.bridge.drf` that one view can't satisfy."""
    drf: Any = sys.modules.get("gateway.bridge.drf.request")  # where nobody has imported it, nobody depends on it
    problems = []
    for endpoint in endpoints if drf is not None else ():
        try:
            drf.view_class(endpoint.dependencies, frozenset())
        except RuntimeError as exc:
            problems.append(Problem(f"services.{name}", endpoint.path, str(exc)))
    return problems
