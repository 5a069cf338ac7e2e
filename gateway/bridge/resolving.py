"""Middleware that looks into the URLconf by itself, while a service answers for a path which isn't there.

CommonMiddleware asks `is_valid_path` before it sends a 404 to the same path with a slash, and others `resolve` the path
to look at the view. They have to find the view that stands in for the endpoint.
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

# The endpoint that is being asked, and its path; in a synchronous chain, the greenlet knows its run.
moved: ContextVar[tuple[View, str] | None] = ContextVar("moved", default=None)


def let_moved_paths_resolve(urlconf: Any = None) -> None:
    """Let `urlconf`, or the project's own, know the path of the request that a service answers, where it lacks it.

    For all other requests it does what it did.
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
    return found if found is not None and found[0].route else None


def _path(scope: Any) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
