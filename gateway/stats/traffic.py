"""The counts of each endpoint in this process: of services and of the project, whether or not a route claims it.

The event loop's thread adds, another one takes; neither needs a lock, for the reasons given in counters.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from gateway.stats.histogram import BOUNDS

__all__ = ["NO_VIEW", "OTHER", "ROUTE", "STATIC", "UNCOUNTED", "EndpointKey", "EndpointTally", "Traffic"]

EndpointKey = tuple[str, str, str]  # upstream, method, and the upstream's label of the endpoint

# Key of a scope: `ResolverMatch.route` of the view that answered. No pattern of Django's begins with two slashes.
ROUTE = "gateway.route"
STATIC = "//static"  # a static file, sent without a view
NO_VIEW = "//none"  # a middleware answered, or no pattern matched
OTHER = "//other"  # endpoints beyond MOST
UNCOUNTED = "//uncounted"  # pages that look for news: nobody asked for them

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "WEBSOCKET"})
MOST = 5000  # endpoints; methods and URLconfs set by middleware could make more
FEW = 8  # query strings of one endpoint that are kept between two calls of `turn`
MOST_NAMES = 50  # names of query parameters of one endpoint
_name = re.compile(r"[A-Za-z_][\w.\-\[\]]{0,39}")  # longer ones may be keys or tokens


class EndpointTally:
    """The requests of one endpoint. WebSockets have no latency; `size` is the size of bodies, in bytes. `queries` are a
    few query strings; `note_names` adds the names of their parameters, without values, to `names`."""

    __slots__ = ("counts", "errors", "names", "queries", "requests", "size")

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.size = 0
        self.counts = [0] * (len(BOUNDS) + 1)  # as in a Histogram
        self.queries: set[bytes] = set()
        self.names: set[str] = set()

    def note_names(self) -> None:
        """Extract names of parameters from the query strings. Called on the thread that takes."""
        queries, self.queries = self.queries, set()
        for name in _names(queries):
            if len(self.names) < MOST_NAMES:
                self.names.add(name)


def _names(queries: Iterable[bytes]) -> Iterable[str]:
    for query in queries:
        text = "&".join(part for part in query.decode("latin-1")[:2000].split("&") if "=" in part)
        yield from (name for name, _ in parse_qsl(text, keep_blank_values=True) if _name.fullmatch(name))


class Traffic(dict[EndpointKey, EndpointTally]):
    """The tallies of endpoints since the last `turn`. A missing one is created on access; beyond MOST, new ones share
    one tally. That of UNCOUNTED is forgotten each time."""

    def __missing__(self, key: EndpointKey) -> EndpointTally:
        upstream, method, label = key
        if label == UNCOUNTED:
            return EndpointTally()
        if method not in METHODS:
            method = "OTHER"  # callers may choose any method
        if len(self) >= MOST:
            label, method = OTHER, "OTHER"
        return self.setdefault((upstream, method, label), EndpointTally())

    def turn(self) -> dict[EndpointKey, EndpointTally]:
        """Start over, and return the tallies so far. A request that is just being counted may still be added to
        them."""
        before = self.copy()
        for key in before:
            self.pop(key, None)
        return before
