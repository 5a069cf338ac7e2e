"""The project's URLs with their views, and the forms of their paths as far as these are known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, converters, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

from gateway.compat.drf import class_behind

__all__ = ["ANYTHING", "DIGITS", "TAIL", "UUID", "ProjectUrl", "SegmentKind", "urls"]


@dataclass(frozen=True, slots=True)
class SegmentKind:
    """A segment of a path that isn't plain text."""

    name: str


ANYTHING = SegmentKind("anything without a slash")
DIGITS = SegmentKind("digits")
UUID = SegmentKind("a UUID")
TAIL = SegmentKind("anything")
_KINDS: dict[type, SegmentKind] = {
    converters.IntConverter: DIGITS,
    converters.StringConverter: ANYTHING,
    converters.SlugConverter: ANYTHING,
    converters.UUIDConverter: UUID,
    converters.PathConverter: TAIL,
}
_GROUPS = {
    r"[^/.]+": ANYTHING,
    r"[^/]+": ANYTHING,
    r"[\w-]+": ANYTHING,
    r"[-\w]+": ANYTHING,
    r"[-a-zA-Z0-9_]+": ANYTHING,
    r"\w+": ANYTHING,
    r"\d+": ANYTHING,  # including digits of other scripts
    r"[0-9]+": DIGITS,
}
_parameter = re.compile(r"<(?:[^>:]+:)?([^>]+)>")
_group = re.compile(r"\(\?P<\w+>((?:[^()\[\]]|\[[^\]]*\])+)\)")
_special = re.compile(r"(?<!\\)[.^$*+?{}\[\]|()]|\\[A-Za-z0-9]")

Parts = list[str | SegmentKind]  # plain text and parameters, before splitting at slashes


@dataclass(frozen=True, slots=True)
class ProjectUrl:
    """One URL of a view. `path` has its segments after the first slash; None if unknown.

    `methods` are those of the view; None if unknown: then it may have any.
    """

    pattern: str
    view: str
    name: str | None
    path: tuple[str | SegmentKind, ...] | None
    methods: frozenset[str] | None


def urls() -> list[ProjectUrl]:
    """Every URL of the project's URLconf. Django must be set up."""
    return [*_below(get_resolver(), "", [], "")]


def _below(resolver: URLResolver, text: str, before: Parts | None, namespace: str) -> Iterator[ProjectUrl]:
    for item in resolver.url_patterns:
        whole = f"{text}{item.pattern}"
        parts = None if before is None else _joined(before, _parts(item.pattern, whole=isinstance(item, URLPattern)))
        if isinstance(item, URLResolver):
            inner = f"{namespace}{item.namespace}:" if item.namespace else namespace
            yield from _below(item, whole, parts, inner)
        else:
            name = f"{namespace}{item.name}" if item.name else None
            yield ProjectUrl(whole, item.lookup_str, name, _segments(parts), _methods(item.callback))


def _joined(before: Parts, parts: Parts | None) -> Parts | None:
    return None if parts is None else [*before, *parts]


def _parts(pattern: Any, *, whole: bool) -> Parts | None:
    """The parts of a pattern; None if it can't be parsed here, such as a language prefix."""
    if isinstance(pattern, RoutePattern):
        return _of_route(pattern)
    return _of_regex(str(pattern), whole=whole) if isinstance(pattern, RegexPattern) else None


def _of_route(pattern: RoutePattern) -> Parts | None:
    pieces = _parameter.split(str(pattern))
    parts: Parts = []
    for index, piece in enumerate(pieces):
        kind = _KINDS.get(type(pattern.converters[piece])) if index % 2 else None
        if index % 2 and kind is None:
            return None
        parts.append(kind or piece)
    return parts


def _of_regex(text: str, *, whole: bool) -> Parts | None:
    if whole and not text.endswith(("$", r"\Z")):
        return None  # it matches every path with this prefix
    pieces = _group.split(text.removeprefix("^").removesuffix("$").removesuffix(r"\Z"))
    parts: Parts = []
    for index, piece in enumerate(pieces):
        kind = _GROUPS.get(piece) if index % 2 else None
        if (index % 2 and kind is None) or (not index % 2 and _special.search(piece)):
            return None
        parts.append(kind or piece.replace("\\", ""))
    return parts


def _segments(parts: Parts | None) -> tuple[str | SegmentKind, ...] | None:
    """`parts`, split at slashes; None if a segment mixes text and parameters."""
    if parts is None:
        return None
    segments: list[str | SegmentKind] = [""]
    for part in parts:
        if isinstance(part, SegmentKind):
            if segments[-1] != "":
                return None
            segments[-1] = part
            continue
        first, *more = part.split("/")
        if first and isinstance(segments[-1], SegmentKind):
            return None
        segments[-1] = segments[-1] if isinstance(segments[-1], SegmentKind) else segments[-1] + first
        segments += more
    return tuple(segments)


def _methods(callback: Any) -> frozenset[str] | None:
    """The methods of a class-based view, or of a DRF ViewSet."""
    if (found := class_behind(callback)) is None:
        return None
    view, initial, actions = found
    names = initial.get("http_method_names", getattr(view, "http_method_names", ()))
    return frozenset(name.upper() for name in names if name in (actions or {}) or (not actions and hasattr(view, name)))
