"""Which middleware can run in which kind of chain, and how it is created."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils.module_loading import import_string

__all__ = ["Ways", "all_sync_capable", "capabilities", "made"]

# For each RemoteUserMiddleware that reads another key of META under ASGI: whether it should read that one. Before
# Django 6.1, which has `get_username`, it does so if it runs asynchronously; since then, if the request is an
# ASGIRequest.
Ways = Mapping[str, bool]


def capabilities(path: str, middleware: Any, ways: Ways) -> tuple[bool, bool]:
    """Whether this middleware may run in a synchronous chain, and in an asynchronous one."""
    if path in ways and not hasattr(middleware, "get_username"):
        return not ways[path], ways[path]
    return getattr(middleware, "sync_capable", True), getattr(middleware, "async_capable", False)


def made(path: str, middleware: Any, get_response: Callable[..., Any], ways: Ways) -> Any:
    """Create this middleware as Django does, but so that it reads the key that `ways` say, whatever the request."""
    instance = middleware(get_response)
    if path in ways and hasattr(instance, "get_username"):
        header: str = instance.header
        instance.get_username = partial(_named, f"HTTP_{header}" if ways[path] else header)
    return instance


def _named(key: str, request: HttpRequest) -> str:
    return request.META[key]  # type: ignore[no-any-return] # META's values are Any


def all_sync_capable(paths: Sequence[str], ways: Ways) -> bool:
    """Whether all of these middleware can run in a synchronous chain without an adapter."""
    return all(capabilities(path, import_string(path), ways)[0] for path in paths)
