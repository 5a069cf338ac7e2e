"""Cached responses: each belongs to the side and the release that made it.

The cache middleware finds a response by its URL, which is the same for both sides: legacy's callers would get a
response of the service, even after a rollback, until it expires.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Any

from django.middleware.cache import FetchFromCacheMiddleware, UpdateCacheMiddleware

__all__ = ["SIDE", "keep_sides_apart"]

# Key of a scope for a service: its name and release. Without it, legacy answers.
SIDE = "gateway.side"


def keep_sides_apart() -> None:
    """Make Django's cache middleware, `cache_page` and the decorators of drf-extensions store a service's responses
    under keys of their own. Legacy's keys are unchanged.

    `key_prefix` is documented for this purpose, for several sites. It is an attribute of the middleware, which both
    sides may share if a view with a decorator has moved, so each call gets a copy with its own prefix.
    """
    _with_own_prefix(FetchFromCacheMiddleware, "process_request")
    _with_own_prefix(UpdateCacheMiddleware, "process_response")
    extensions: Any = sys.modules.get("rest_framework_extensions.cache.decorators")  # optional; not to be imported here
    if extensions is not None:
        _with_own_key(extensions.CacheResponse)


def _with_own_prefix(cls: type, name: str) -> None:
    original: Callable[..., Any] = getattr(cls, name)
    if hasattr(original, "keeps_sides_apart"):
        return

    @wraps(original)
    def sided(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if (side := _side_of(request)) is not None:
            self = copy(self)
            self.key_prefix = f"{self.key_prefix}.{side}"
        return original(self, request, *args, **kwargs)

    sided.keeps_sides_apart = True  # type: ignore[attr-defined] # nothing else says who has replaced it
    setattr(cls, name, sided)


def _with_own_key(cls: Any) -> None:
    original: Callable[..., str] = cls.calculate_key
    if hasattr(original, "keeps_sides_apart"):
        return

    @wraps(original)
    def calculate_key(self: Any, *args: Any, **kwargs: Any) -> str:
        key = original(self, *args, **kwargs)
        side = _side_of(kwargs.get("request"))
        return key if side is None else f"{key}.{side}"

    calculate_key.keeps_sides_apart = True  # type: ignore[attr-defined] # as above
    cls.calculate_key = calculate_key


def _side_of(request: Any) -> str | None:
    side: str | None = getattr(request, "scope", {}).get(SIDE)
    return side
