"""The part of a URLconf for one template: what Django would find there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver

from gateway.compat.django import resolver_of
from gateway.legacy.url_pattern import Items
from gateway.routing.template import Part

__all__ = ["Branch", "branch_of"]


class Branch:
    """The part of a URLconf for one template: Django's own resolvers, reduced to the patterns that lead there.

    `views` are the views that they lead to. `app_names` and `namespaces` are those of the includes in which a new path
    of this template would be."""

    __slots__ = ("_resolver", "app_names", "namespaces", "views")

    def __init__(
        self,
        resolver: URLResolver | None,
        views: Sequence[Any],
        app_names: list[str | None],
        namespaces: list[str | None],
    ) -> None:
        self._resolver = resolver
        self.views = views
        self.app_names = app_names
        self.namespaces = namespaces

    def match(self, path: str) -> ResolverMatch | None:
        """What Django found for `path` before it was moved, also with or without a slash at its end."""
        if self._resolver is None:
            return None
        try:
            found = self._resolver.resolve(path)
        except Resolver404:
            pass
        else:
            found.moved_from = found.func  # type: ignore[attr-defined] # which is there still, for other methods
            return found
        try:
            return self._resolver.resolve(path.rstrip("/") if path.endswith("/") else f"{path}/")
        except Resolver404:
            return None


def branch_of(root: URLResolver, ways: Sequence[Items], parts: Sequence[Part]) -> Branch:
    """The branch of `root` for a template with these `parts`. Each of `ways` has the patterns that lead to a view."""
    resolver = _only(root, list(dict.fromkeys(ways)), 0) if ways else None
    views = [way[-1].callback for way in ways if isinstance(way[-1], URLPattern)]
    return Branch(resolver, views, *_around(root, "/" + "/".join(_plain_start(parts))))


def _only(resolver: URLResolver, ways: Sequence[Items], depth: int) -> URLResolver:
    """`resolver` with only those patterns through which `ways` lead."""
    inner: list[URLPattern | URLResolver] = []
    for item in dict.fromkeys(way[depth] for way in ways):
        if isinstance(item, URLResolver):
            inner.append(_only(item, [way for way in ways if way[depth] is item], depth + 1))
        else:
            inner.append(item)
    return resolver_of(resolver, inner)


def _plain_start(parts: Sequence[Part]) -> list[str]:
    """The segments before the first parameter."""
    start: list[str] = []
    for part in parts:
        if not isinstance(part, str):
            return [*start, ""]
        start.append(part)
    return start


def _around(resolver: URLResolver, path: str) -> tuple[list[str | None], list[str | None]]:
    """The application names and namespaces of the includes whose prefixes `path` begins with, the longest of each
    level. If two with different namespaces have the same prefix, neither counts."""
    app_names: list[str | None] = []
    namespaces: list[str | None] = []
    rest = path[1:]
    while True:
        below = [
            (item, found[0])
            for item in resolver.url_patterns
            if isinstance(item, URLResolver) and (found := item.pattern.match(rest)) and found[0] != rest
        ]
        shortest = min((len(left) for _, left in below), default=0)
        below = [(item, left) for item, left in below if len(left) == shortest]
        if not below or len({item.namespace for item, _ in below}) > 1:
            return app_names, namespaces
        resolver, rest = below[0]
        app_names.append(resolver.app_name)
        namespaces.append(resolver.namespace)
