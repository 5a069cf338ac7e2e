"""Which of the project's URLs a route takes over, for all methods or for some."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from django.urls import Resolver404, resolve

from gateway.routing.table import ANY, SOCKET
from gateway.workbench.urls import ANYTHING, DIGITS, TAIL, UUID, ProjectUrl, SegmentKind, urls

if TYPE_CHECKING:
    from gateway.snapshot import Snapshot

__all__ = ["taken_urls", "url_line"]

# Sample values of a segment: text that no pattern contains literally, and text for narrower convertors.
_SAMPLES = {
    ANYTHING: ("qzx", "7", "0f0e0d0c-0b0a-0908-0706-050403020100"),
    DIGITS: ("7",),
    UUID: ("0f0e0d0c-0b0a-0908-0706-050403020100",),
    TAIL: ("qzx/7",),
}


def taken_urls(snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
    """For each route, the project's URLs of which it claims paths: pattern, name, view, and the methods that it claims.

    A URL is left out if its paths can't be determined from its pattern. Django must be set up.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for url in urls():
        for route, methods in _claimed(snapshot, url).items():
            taken = {"pattern": url.pattern, "name": url.name, "view": url.view, "methods": sorted(methods)}
            found.setdefault(route, []).append(taken)
    return found


def _claimed(snapshot: Snapshot, url: ProjectUrl) -> dict[str, set[str]]:
    """The methods that routes claim on some path of `url`, of those that its view has."""
    claimed: dict[str, set[str]] = {}
    for path in _paths(url):
        for method, match in snapshot.table.claims(path).items():
            if match.route is None or method == SOCKET:
                continue
            methods = {method} if method != ANY else {*(url.methods or {ANY})}
            methods = methods if url.methods is None else methods & url.methods
            if methods:
                claimed.setdefault(match.route, set()).update(methods)
    return claimed


def _paths(url: ProjectUrl) -> Iterator[str]:
    """Some paths that Django routes to this URL."""
    if url.path is None:
        return
    choices = [_SAMPLES[part] if isinstance(part, SegmentKind) else (part,) for part in url.path]
    for segments in product(*choices):
        path = "/" + "/".join(segments)
        try:
            found = resolve(path)
        except Resolver404:
            continue
        if found.route.replace("^", "") == url.pattern.replace("^", ""):
            yield path


def url_line(url: dict[str, Any]) -> str:
    """A URL in words."""
    name = f" ({url['name']})" if url["name"] else ""
    return f"{', '.join(url['methods'])} {url['pattern']}{name}".replace(ANY, "every method of")
