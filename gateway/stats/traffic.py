"""What this process counted of each endpoint: of services, and of the project, whether or not a route claims it.

One thread adds, the event loop's, and one takes; neither needs a lock, for the reasons that counters.py has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from gateway.stats.histogram import BOUNDS

__all__ = ["NO_VIEW", "OTHER", "ROUTE", "STATIC", "EndpointTally", "Key", "Traffic"]

Key = tuple[str, str, str]  # upstream, method, and what the upstream calls the endpoint

# Where a scope has `ResolverMatch.route` of the view that answered. No pattern of Django's begins with two slashes.
ROUTE = "gateway.route"
STATIC = "//static"  # of a file that the gateway sends instead of a view
NO_VIEW = "//none"  # a middleware answered, or no pattern matched
OTHER = "//other"  # one endpoint too many

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "WEBSOCKET"})
MOST = 5000  # endpoints; patterns are few, but methods and middleware's URLconfs need not be
FEW = 8  # query strings of one endpoint, from one taking to the next
MOST_NAMES = 50  # of parameters of one endpoint
_name = re.compile(r"[A-Za-z_][\w.\-\[\]]{0,39}")  # what is longer may be a key or a token


class EndpointTally:
    """Requests of one endpoint. `sockets` and the like have no latency; `size` is in bytes of bodies. `queries` are a
    few query strings as they came, of which `names` become those of their parameters, without values."""

    __slots__ = ("counts", "errors", "names", "queries", "requests", "size")

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.size = 0
        self.counts = [0] * (len(BOUNDS) + 1)  # as those of a Histogram
        self.queries: set[bytes] = set()
        self.names: set[str] = set()

    def note_names(self) -> None:
        """Make names of parameters of the query strings. For the thread that takes."""
        queries, self.queries = self.queries, set()
        for name in _names(queries):
            if len(self.names) < MOST_NAMES:
                self.names.add(name)


def _names(queries: Iterable[bytes]) -> Iterable[str]:
    for query in queries:
        text = "&".join(part for part in query.decode("latin-1")[:2000].split("&") if "=" in part)
        yield from (name for name, _ in parse_qsl(text, keep_blank_values=True) if _name.fullmatch(name))


class Traffic(dict[Key, EndpointTally]):
    """The tallies of endpoints since it began. Asking for one that isn't there makes it; there is a bound on how many,
    beyond which they share one."""

    def __missing__(self, key: Key) -> EndpointTally:
        upstream, method, label = key
        if method not in METHODS:
            method = "OTHER"  # callers choose it
        if len(self) >= MOST:
            label, method = OTHER, "OTHER"
        return self.setdefault((upstream, method, label), EndpointTally())

    def turn(self) -> dict[Key, EndpointTally]:
        """Begin anew, and give what there was. A request that is being counted now may still be added to that."""
        before = self.copy()
        for key in before:
            self.pop(key, None)
        return before
