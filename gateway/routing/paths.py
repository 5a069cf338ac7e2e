"""Which template of one application owns a path: the first that it declares, whatever the method.

So Django routes. Starlette looks further for a template that has the method, and so may find another action: with
`GET /tags/me` before `DELETE /tags/{tag}`, `DELETE /tags/me` would delete the tag called "me".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gateway.routing.table import ANY, EXACT, SOCKET, Contest, Endpoint, Match, Rule, Table
from gateway.routing.template import Part, TemplateError, parse_template

__all__ = ["Others", "Paths", "both", "contest_of", "excluded", "rest_of"]

Others = Callable[[Endpoint], Contest | None]


class Paths:
    """What one service declares, in its own order. What no route of the gateway could match is left out."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = tuple(endpoints)
        rules = [Rule("", one, EXACT, order) for order, one in enumerate(self.endpoints) if _is_readable(one)]
        self._table = Table(rules)

    def __repr__(self) -> str:
        return f"Paths({len(self.endpoints)} endpoints)"

    def first(self, path: str, method: str) -> Match | None:
        """What Starlette finds for `method`, or else the first claim on `path`; its `order` is the endpoint's place."""
        return self._table.first(path, method)

    def owned(self, path: str, method: str) -> Match | None:
        """The claim of the owner of `path` on `method`, or its first on another one."""
        owner = self._table.owner(path)
        if owner is None or method == SOCKET:
            return self._table.first(path, method)
        others = [claim for name, claim in owner.claims.items() if name != SOCKET]
        return owner.get(method) or min(others, key=lambda claim: claim.order)

    def refused(self, path: str, method: str) -> frozenset[str] | None:
        """The methods that the owner of `path` declares, where `method` is none of them; None where it is one, and
        where nobody owns `path`."""
        owner = self._table.owner(path)
        if owner is None or ((claim := owner.get(method)) is not None and not claim.head_as_get):
            return None
        return frozenset(name for name, claim in owner.claims.items() if name != SOCKET and not claim.head_as_get)

    def owner(self, path: str) -> Endpoint | None:
        """The first endpoint on the template that owns `path`."""
        leaf = self._table.owner(path)
        return None if leaf is None or leaf.order is None else self.endpoints[leaf.order]

    def contest(self, endpoint: Endpoint) -> Contest | None:
        """Which paths that `endpoint` takes in are those of templates declared before it; None where there are none."""
        if "{" not in endpoint.path and not endpoint.is_subtree:
            return None
        own = self._table.leaf(endpoint)
        parts = [] if endpoint.is_subtree and endpoint.path == "/" else _parts(endpoint)
        before = [
            self.endpoints[leaf.order]
            for leaf in self._table.overlapping(parts, is_subtree=endpoint.is_subtree)
            if leaf is not own and leaf.order is not None and (own.order is None or leaf.order < own.order)
        ]
        if not before:
            return None
        written_out = frozenset(one.path for one in before if "{" not in one.path and not one.is_subtree)
        always = any("{" in one.path or one.is_subtree for one in before)
        return Contest(written_out, lambda path: self._table.owner(path) is own, always)


def contest_of(endpoint: Endpoint, paths: Paths, others: Others) -> Contest | None:
    """Who contests what `endpoint` of a service with these `paths` takes in: its own siblings, and `others`."""
    if endpoint.methods == {SOCKET}:
        return None
    return both(paths.contest(endpoint), others(endpoint))


def both(inner: Contest | None, outer: Contest | None) -> Contest | None:
    """The contest that two make together."""
    if inner is None or outer is None:
        return inner or outer
    return Contest(
        inner.paths | outer.paths,
        lambda path: inner.holds(path) and outer.holds(path),
        inner.always or outer.always,
        inner.head and outer.head,
    )


def excluded(templates: Sequence[str]) -> Contest | None:
    """The contest of paths and templates that a route gives back, with a slash at their end or without. None without
    any. Raises TemplateError."""
    if not templates:
        return None
    ends = {end for template in templates for end in (template.rstrip("/") or "/", f"{template.rstrip('/')}/")}
    table = Table(Rule("", Endpoint(end, frozenset({ANY})), EXACT, order) for order, end in enumerate(sorted(ends)))
    return Contest(frozenset(), lambda path: table.owner(path) is None, always=True)


def rest_of(paths: Paths, others: Others) -> Contest | None:
    """Who contests what a route claims beyond what the service declares: where one of its templates takes in a path
    of the `others`, the service would answer with another action than the one that is there."""
    contested = {one.path: found for one in paths.endpoints if (found := others(one)) is not None}
    if not contested:
        return None

    def holds(path: str) -> bool:
        owner = paths.owner(path)
        return owner is None or owner.path not in contested or contested[owner.path].holds(path)

    return Contest(frozenset[str]().union(*(found.paths for found in contested.values())), holds, always=True)


def _parts(endpoint: Endpoint) -> Sequence[Part]:
    return parse_template(endpoint.path, dict(endpoint.convertors))


def _is_readable(endpoint: Endpoint) -> bool:
    try:
        parse_template(endpoint.path, dict(endpoint.convertors))
    except TemplateError:
        return False
    return True
