"""Selects the endpoints that the user means, and finds other views with overlapping paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from gateway.workbench.inventory import Endpoint, endpoints, find
from gateway.workbench.inventory.regex import Group, pieces
from gateway.workbench.scaffold.draft import CannotScaffold

__all__ = ["Claim", "claim_of", "selected", "shape"]

_parameter = re.compile(r"{[^}]*}")
MOVABLE = ("drf", "django")


def selected(text: str, whole: bool) -> list[Endpoint]:
    """The endpoint that `text` names; with `whole`, all of its view. Raises NoSuchEndpoint and CannotScaffold."""
    endpoint = find(text)
    if endpoint.kind not in MOVABLE:
        raise CannotScaffold(
            f"{endpoint} is of {endpoint.kind}: only Django's and REST framework's views are scaffolded"
        )
    if not whole:
        return [endpoint]
    return [one for one in _all() if _same_view(one, endpoint)]


def _all() -> list[Endpoint]:
    return [one for one in endpoints() if not one.format_suffix]


def _same_view(one: Endpoint, other: Endpoint) -> bool:
    if other.view_class is None:
        return one.callback is other.callback
    return one.view_class is other.view_class and _registration(one) == _registration(other)


def _registration(endpoint: Endpoint) -> tuple[str | None, str]:
    """Where a view is registered: the basename and the prefix that a router gave it. Without a router, the part of the
    template before its first parameter."""
    basename, detail = endpoint.initkwargs.get("basename"), endpoint.initkwargs.get("detail")
    if basename is None or detail is None:
        return None, endpoint.template.partition("{")[0] if endpoint.action else endpoint.template
    segments = endpoint.template.strip("/").split("/")
    after = bool(detail) + _segments(_own_path(endpoint))
    return str(basename), "/".join(segments[: len(segments) - after])


def _own_path(endpoint: Endpoint) -> str:
    """What `@action` adds to the path of the ViewSet; empty for list, retrieve and the like."""
    actions: Any = getattr(endpoint.view_class, "get_extra_actions", list)()
    return next((str(one.url_path) for one in actions if endpoint.action in one.mapping.values()), "")


def _segments(regex: str) -> int:
    """The number of segments in a path that `regex` matches."""
    plain = "".join("x" if isinstance(piece, Group) else piece for piece in pieces(regex)).strip("/")
    return len(plain.split("/")) if plain else 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A route's claim: a `path` or a `prefix`, its methods, and the paths of other views to `exclude`."""

    path: str | None
    prefix: str | None
    methods: tuple[str, ...]
    exclude: tuple[str, ...]


def claim_of(chosen: Sequence[Endpoint]) -> Claim:
    """One route for all of `chosen`, without paths of other views."""
    templates = list(dict.fromkeys(endpoint.template for endpoint in chosen))
    methods = tuple(sorted({endpoint.method for endpoint in chosen} - {"*"}))
    if len(templates) == 1:
        inside = _inside_template(templates[0], chosen)
        return Claim(templates[0], None, methods, tuple(inside))
    prefix = _prefix(templates)
    own, below = {shape(template) for template in templates}, f"{shape(prefix)}/"
    others = (one.template for one in _all() if (its := shape(one.template)).startswith(below) and its not in own)
    return Claim(None, prefix, methods, tuple(dict.fromkeys(others)))


def shape(template: str) -> str:
    """`template` without the names of its parameters."""
    return _parameter.sub("{}", template)


def _prefix(templates: Sequence[str]) -> str:
    """The longest common prefix, with its parameters: a nested view's isn't that of its parent."""
    parts = [template.rstrip("/").split("/") for template in templates]
    columns = takewhile(lambda column: not column[0].endswith(":path}"), zip(*parts, strict=False))
    common = takewhile(lambda column: len(set(map(shape, column))) == 1, columns)
    prefix = "/".join(column[0] for column in common)
    if not prefix.strip("/"):
        raise CannotScaffold(f"{', '.join(templates)} have no prefix in common: scaffold them one by one")
    return prefix


def _inside_template(template: str, chosen: Sequence[Endpoint]) -> Iterator[str]:
    """Templates of other views with plain text where `template` has a parameter."""
    pattern = re.compile(_parameter.sub("[^/]+", re.escape(template).replace(r"\{", "{").replace(r"\}", "}")))
    own = {one.template for one in chosen}
    seen = set()
    for one in _all():
        plain = one.template not in own and shape(one.template) != shape(template)
        if plain and pattern.fullmatch(one.template) and one.template not in seen:
            seen.add(one.template)
            yield one.template
