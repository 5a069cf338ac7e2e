"""Creates the scopes that upstreams get."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from starlette.types import Scope

from gateway.dispatch.exchange import Exchange
from gateway.dispatch.scope import adapt_scope, correct, identified, take_in_bytes
from gateway.rollout.affinity import AffinityCookie
from gateway.rollout.decision import NOBODY
from gateway.routing.request import RequestInfo
from gateway.routing.table import Match
from gateway.types import CLOSE, Header, Headers

__all__ = ["ScopeFactory"]


class ScopeFactory:
    """Creates the scopes that upstreams get.

    `request_id` is the header for each request's ID, and `served_by` the response header that names the upstream, both
    in lower case, None for none. `new_id` creates an ID, `cookie` the header line that sets the affinity cookie.
    """

    def __init__(
        self,
        upstreams: Iterable[str],
        *,
        request_id: bytes | None,
        served_by: bytes | None,
        cookie: Callable[[AffinityCookie, Scope], Header],
        new_id: Callable[[], bytes],
    ) -> None:
        self._request_id = request_id
        self._cookie = cookie
        self._new_id = new_id
        self._lines: Mapping[str, Headers] = {
            name: [(served_by, name.encode("ascii"))] if served_by else [] for name in upstreams
        } | {NOBODY: []}

    def close_connections(self) -> None:
        """Close each connection with its next response: the server is about to stop."""
        self._lines = {name: [*lines, CLOSE] for name, lines in self._lines.items()}

    def for_upstream(self, scope: Scope, exchange: Exchange) -> Scope:
        """A copy of `scope` for the upstream that was decided on. Sets `exchange.response.extra` to the headers to add
        to its response, and `exchange.scope` to the copy."""
        info, decision = exchange.info, exchange.decision
        scope = scope.copy()  # type: ignore[attr-defined] # a MutableMapping to Starlette, a dict to ASGI
        if info.root or info.ambiguous or info.proxied:
            correct(scope, info)
        extra = self._lines[decision.upstream]
        if self._request_id is not None:
            extra = [*extra, identified(scope, info, self._request_id, self._new_id)]
        if decision.cookie is not None:
            extra = [*extra, self._cookie(decision.cookie, scope)]
        exchange.response.extra = extra
        exchange.scope = scope
        return scope

    def for_mirror(self, scope: Scope, info: RequestInfo, match: Match, upstream: str) -> Scope:
        """A copy of a caller's `scope` for the mirror of its request, whose response nobody receives."""
        scope = dict(scope)
        correct(scope, info)
        take_in_bytes(scope)
        if self._request_id is not None:
            identified(scope, info, self._request_id, self._new_id)
        adapt_scope(scope, info, match, upstream)
        return scope
