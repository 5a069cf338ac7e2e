"""Finds the project's views that can't be reached any more, because retired routes claim all of their URLs.

Conservative: a view is reported only if every path of its URLs, with every method that it has, is claimed by retired
routes. If that is uncertain, it stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.rollout.stage import RETIRED
from gateway.routing.table import ANY, EndpointPattern, Rule
from gateway.routing.template import SegmentPattern, parse_template
from gateway.workbench.urls import DIGITS, TAIL, UUID, ProjectUrl, SegmentKind, urls

if TYPE_CHECKING:
    from gateway.snapshot import Snapshot

__all__ = ["RetiredView", "retired_views"]

# Answered for every path: legacy's HEAD and OPTIONS don't count as uses of a view.
_INCIDENTAL = frozenset({"HEAD", "OPTIONS"})
_EXAMPLES = {DIGITS: "1", UUID: "00000000-0000-0000-0000-000000000000"}


@dataclass(slots=True)
class RetiredView:
    """A view of which retired routes claim something. `gone` are its URLs that aren't reached any more; `kept` has, for
    each other URL, why it still is."""

    view: str
    gone: list[ProjectUrl] = field(default_factory=list)
    kept: list[tuple[ProjectUrl, str]] = field(default_factory=list)
    routes: set[str] = field(default_factory=set)

    @property
    def deletable(self) -> bool:
        """Whether none of its URLs is reached."""
        return not self.kept

    def described(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "view": self.view,
            "deletable": self.deletable,
            "routes": sorted(self.routes),
            "urls": [{"pattern": url.pattern, "name": url.name} for url in self.gone],
            "kept": [{"pattern": url.pattern, "name": url.name, "why": why} for url, why in self.kept],
        }


def retired_views(snapshot: Snapshot) -> list[RetiredView]:
    """The views that retired routes affect, deletable ones first. Django must be set up."""
    rules = snapshot.table.rules
    retired = {name for name, route in snapshot.compiled.items() if route.policy.state.stage == RETIRED}
    if not retired:
        return []
    claimed = [claim for claim in rules if claim.route in retired]
    others = [claim for claim in rules if claim.route not in retired]
    views: dict[str, RetiredView] = {}
    for url in urls():
        view = views.setdefault(url.view, RetiredView(url.view))
        why = _still_reached(url, claimed, others)
        view.routes |= {claim.route for claim in claimed if _meets(url, claim.endpoint)}
        if why is None:
            view.gone.append(url)
        else:
            view.kept.append((url, why))
    concerned = [view for view in views.values() if view.routes]
    return sorted(concerned, key=lambda view: (not view.deletable, view.view))


def _still_reached(url: ProjectUrl, claimed: Iterable[Rule], others: Iterable[Rule]) -> str | None:
    """Why `url` still leads to its view; None if it doesn't."""
    if url.path is None:
        return "which paths it stands for can't be told"
    covering = [claim for claim in claimed if _covers(claim.endpoint, url.path)]
    if not covering:
        return "no retired route claims all of its paths"
    methods = frozenset[str]().union(*(claim.endpoint.methods for claim in covering))
    if ANY not in methods:
        if url.methods is None:
            return f"only {', '.join(sorted(methods))} of it is claimed, and it may take other methods"
        if left := url.methods - methods - _INCIDENTAL:
            return f"{', '.join(sorted(left))} of it is not claimed"
    for claim in others:
        if _meets(url, claim.endpoint):
            return f"route {claim.route!r}, which is not retired, claims some of its paths"
    return None


def _parsed(endpoint: EndpointPattern) -> list[str | SegmentPattern]:
    parts = parse_template(endpoint.path, dict(endpoint.convertors))
    return [] if endpoint.is_subtree and parts == [""] else parts


def _covers(endpoint: EndpointPattern, path: tuple[str | SegmentKind, ...]) -> bool:
    """Whether `endpoint` matches every path of the form `path`."""
    parts = _parsed(endpoint)
    for index, part in enumerate(parts):
        if isinstance(part, SegmentPattern) and part.whole_tail:
            return part.regex == ".*" and index == len(parts) - 1 and index < len(path)
        if index >= len(path) or not _takes(part, path[index]):
            return False
    return endpoint.is_subtree or len(parts) == len(path)


def _takes(part: str | SegmentPattern, segment: str | SegmentKind) -> bool:
    if segment is TAIL:
        return False
    if isinstance(part, str):
        return part == segment
    if isinstance(segment, str):
        return bool(segment) and re.fullmatch(part.regex, segment) is not None
    # A convertor that matches one number, or one UUID, matches all of them; only a plain {name} matches anything.
    return part.matcher() is bool or (segment in _EXAMPLES and re.fullmatch(part.regex, _EXAMPLES[segment]) is not None)


def _meets(url: ProjectUrl, endpoint: EndpointPattern) -> bool:
    """Whether some path may match both. True if that is uncertain."""
    parts = _parsed(endpoint)
    if url.path is None:
        return False
    for part, segment in zip(parts, url.path, strict=False):
        if segment is TAIL or (isinstance(part, SegmentPattern) and part.whole_tail):
            return True
        if isinstance(part, str) and isinstance(segment, str) and part != segment:
            return False
        if isinstance(part, SegmentPattern) and isinstance(segment, str) and not re.fullmatch(part.regex, segment):
            return False
        if isinstance(part, str) and isinstance(segment, SegmentKind) and not _possible(part, segment):
            return False
    return len(parts) == len(url.path) or (endpoint.is_subtree and len(parts) < len(url.path))


def _possible(text: str, kind: SegmentKind) -> bool:
    return text.isdigit() if kind is DIGITS else bool(text)
