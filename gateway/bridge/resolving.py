"""Supports middleware that uses the URLconf itself, while a service answers for a path that the URLconf lacks.

CommonMiddleware calls `is_valid_path` before it redirects a 404 to the same path with a slash, and others `resolve` the
path to inspect the view. They must find the view that stands for the endpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.urls import Resolver404, ResolverMatch
from greenlet import getcurrent

from gateway.bridge.views import View
from gateway.compat.django import replace_resolve

__all__ = ["let_moved_paths_resolve", "moved"]

# The current endpoint and its path; in a synchronous chain, the greenlet knows its run.
moved: ContextVar[tuple[View, str] | None] = ContextVar("moved", default=None)


def let_moved_paths_resolve(urlconf: Any = None) -> None:
    """Make `urlconf`, by default the project's, resolve the path of a request that a service answers, if it lacks it.

    For all other requests it works as before.
    """

    def around(original: Callable[[str], ResolverMatch]) -> Callable[[str], ResolverMatch]:
        def resolve(path: str) -> ResolverMatch:
            try:
                return original(path)
            except Resolver404:
                asked = _asked()
                if asked is None or asked[1] != str(path):
                    raise
                return asked[0].resolved(asked[1], urlconf)

        return resolve

    replace_resolve(urlconf, around)


def _asked() -> tuple[View, str] | None:
    run = getattr(getcurrent(), "middleware_run", None)
    found = moved.get() if run is None else (run.view, _path(run.scope))
    return found if found is not None and found[0].place.template else None


def _path(scope: Any) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
