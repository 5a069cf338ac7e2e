"""Which template of one service owns a path: the first that matches, whatever the method.

Django routes like this. Starlette continues to a template that has the method, and so may find another action: with
`GET /tags/me` declared before `DELETE /tags/{tag}`, `DELETE /tags/me` would delete the tag named "me".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gateway.routing.table import ANY, EXACT, SOCKET, Contest, EndpointPattern, Match, Rule, Table
from gateway.routing.template import Part, TemplateError, parse_template

__all__ = ["Others", "Paths", "both", "contest_of", "excluded", "rest_of"]

Others = Callable[[EndpointPattern], Contest | None]


class Paths:
    """The endpoints of one service, in the order of its declarations. Those that no route could match are left out."""

    def __init__(self, endpoints: Iterable[EndpointPattern]) -> None:
        self.endpoints = tuple(endpoints)
        rules = [Rule("", one, EXACT, order) for order, one in enumerate(self.endpoints) if _is_readable(one)]
        self._table = Table(rules)

    def __repr__(self) -> str:
        return f"Paths({len(self.endpoints)} endpoints)"

    def first(self, path: str, method: str) -> Match | None:
        """Starlette's match for `method`, or else the first claim on `path`; `order` is the endpoint's position."""
        return self._table.first(path, method)

    def owned(self, path: str, method: str) -> Match | None:
        """The claim on `method` of the template that owns `path`, or else its first claim on another method."""
        owner = self._table.owner(path)
        if owner is None or method == SOCKET:
            return self._table.first(path, method)
        others = [claim for name, claim in owner.claims.items() if name != SOCKET]
        return owner.get(method) or min(others, key=lambda claim: claim.order)

    def refused(self, path: str, method: str) -> frozenset[str] | None:
        """The methods of the template that owns `path`, if `method` is not among them. None if it is, or if no template
        owns `path`."""
        owner = self._table.owner(path)
        if owner is None or ((claim := owner.get(method)) is not None and not claim.head_as_get):
            return None
        return frozenset(name for name, claim in owner.claims.items() if name != SOCKET and not claim.head_as_get)

    def owner(self, path: str) -> EndpointPattern | None:
        """The first endpoint with the template that owns `path`."""
        leaf = self._table.owner(path)
        return None if leaf is None or leaf.order is None else self.endpoints[leaf.order]

    def contest(self, endpoint: EndpointPattern) -> Contest | None:
        """The paths matched by `endpoint` that templates declared before it own; None when there are none."""
        if "{" not in endpoint.path and not endpoint.is_subtree:
            return None
        own = self._table.leaf(endpoint)
        parts = [] if endpoint.is_subtree and endpoint.path == "/" else _parts(endpoint)
        before = [
            self.endpoints[leaf.order]
            for leaf in self._table.tree.overlapping(parts, is_subtree=endpoint.is_subtree)
            if leaf is not own and leaf.order is not None and (own.order is None or leaf.order < own.order)
        ]
        if not before:
            return None
        written_out = frozenset(one.path for one in before if "{" not in one.path and not one.is_subtree)
        always = any("{" in one.path or one.is_subtree for one in before)
        return Contest(written_out, lambda path: self._table.owner(path) is own, always)


def contest_of(endpoint: EndpointPattern, paths: Paths, others: Others) -> Contest | None:
    """The contest for the paths that `endpoint` matches: with other templates of `paths`, and with `others`."""
    if endpoint.methods == {SOCKET}:
        return None
    return both(paths.contest(endpoint), others(endpoint))


def both(inner: Contest | None, outer: Contest | None) -> Contest | None:
    """The contest in which a path must pass both."""
    if inner is None or outer is None:
        return inner or outer
    return Contest(
        inner.paths | outer.paths,
        lambda path: inner.holds(path) and outer.holds(path),
        inner.always or outer.always,
        inner.head and outer.head,
    )


def excluded(templates: Sequence[str]) -> Contest | None:
    """The contest for a route's `exclude`: these paths and templates, with or without a slash at the end. None when
    there are none. Raises TemplateError."""
    if not templates:
        return None
    ends = {end for template in templates for end in (template.rstrip("/") or "/", f"{template.rstrip('/')}/")}
    table = Table(
        Rule("", EndpointPattern(end, frozenset({ANY})), EXACT, order) for order, end in enumerate(sorted(ends))
    )
    return Contest(frozenset(), lambda path: table.owner(path) is None, always=True)


def rest_of(paths: Paths, others: Others) -> Contest | None:
    """The contest for what a route claims beyond the declared endpoints: a path that belongs to `others` and also
    matches a template of the service is excluded, since the service would run another action than the one at that
    path."""
    contested = {one.path: found for one in paths.endpoints if (found := others(one)) is not None}
    if not contested:
        return None

    def holds(path: str) -> bool:
        owner = paths.owner(path)
        return owner is None or owner.path not in contested or contested[owner.path].holds(path)

    return Contest(frozenset[str]().union(*(found.paths for found in contested.values())), holds, always=True)


def _parts(endpoint: EndpointPattern) -> Sequence[Part]:
    return parse_template(endpoint.path, dict(endpoint.convertors))


def _is_readable(endpoint: EndpointPattern) -> bool:
    try:
        parse_template(endpoint.path, dict(endpoint.convertors))
    except TemplateError:
        return False
    return True
