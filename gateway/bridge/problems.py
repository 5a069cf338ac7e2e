"""What can't be bridged, found before anything is served."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from gateway.bridge.views import atomic_aliases, is_async
from gateway.config import Problem
from gateway.routing.table import Endpoint

__all__ = ["bridge_problems"]


def bridge_problems(name: str, middleware: object, endpoints: Sequence[Endpoint]) -> list[Problem]:
    """What keeps service `name`, which declares `endpoints`, from running inside `middleware`."""
    return [*_unknown_entries(name, middleware), *_async_and_atomic(name, endpoints), *_at_odds(name, endpoints)]


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
            where = f"{function.__module__}.{getattr(function, '__qualname__', function)}"
            expected = (
                f"ATOMIC_REQUESTS of database {aliases[0]!r} can't be kept for async def {where}; write `def`, or mark "
                "it with django.db.transaction.non_atomic_requests and use gateway.bridge.atomic where it writes"
            )
            problems.append(Problem(f"services.{name}", endpoint.path, expected))
    return problems


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
