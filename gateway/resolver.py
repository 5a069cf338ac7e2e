"""Resolves a request before any upstream is called: reads it, finds its route, decides which upstream answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Scope

from gateway.admission import admit, admit_body, apply_proxy_settings
from gateway.dispatch.refusal import refused
from gateway.rollout.cohort import NOBODY_KNOWN, Caller
from gateway.rollout.decision import PROBED, Decision, DecisionContext, ForStaff, Unavailable, decide, decide_page
from gateway.routing.request import BadRequest, RequestInfo, read_request, unchecked
from gateway.routing.table import Match
from gateway.snapshot import Snapshot
from gateway.upstreams.base import Legacy, Upstream

__all__ = ["Found", "Refusal", "Resolved", "Resolver"]

Refusal = BadRequest | Unavailable
# The request info, the route's match, the decision, and the ASGI application to call. For a refused request it is one
# that sends the refusal. A plain tuple, since one is made for every request.
Resolved = tuple[RequestInfo, Match | None, Decision, ASGIApp]
# A request, read, and its match; with the snapshot that has it, which may be replaced meanwhile.
Found = tuple[Snapshot, RequestInfo, Match | None]


class Resolver:
    """Resolves requests with `snapshot`, which may be replaced at any time.

    `context` is what decisions depend on besides the request. `request_id` is the name of the request ID header, in
    lower case; `root_path` the path under which the site is served, "" for none. `on_refusal` is called for each
    request that is refused, with the reason.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        legacy: Legacy,
        upstreams: Mapping[str, Upstream],
        context: DecisionContext,
        *,
        root_path: str,
        request_id: bytes | None,
        on_refusal: Callable[[Refusal, RequestInfo], None],
    ) -> None:
        self.snapshot = snapshot
        self.legacy = legacy
        self.upstreams = upstreams
        self.context = context
        self.root_path = root_path
        self.request_id = request_id
        self.on_refusal = on_refusal

    async def resolve(self, scope: Scope, found: Found | None = None) -> Resolved:
        """Read, match and decide. May call the project to find out who the caller is. `found` is what `find` has
        returned for this scope, if it was called."""
        snapshot, info, match = found or (self.snapshot, None, None)  # the snapshot may be replaced while this waits
        try:
            if info is None:
                info = self.read(scope)
                match = snapshot.match(info, scope)
            caller: Caller | None = NOBODY_KNOWN
            if snapshot.asking and match is not None and match.route in snapshot.asking:
                caller = await self.caller(match, info, scope)
            decision = self.decide(match, snapshot, info, caller)
            return info, match, decision, self.admitted(info, scope, decision).entry
        except (BadRequest, Unavailable) as reason:
            return self._refused(reason, info or unchecked(scope, self.request_id), match)
        except ForStaff as page:
            return await self._for_staff(page.info, page.match, scope)

    def find(self, scope: Scope) -> Found:
        """Read the request, and find its route. Raises BadRequest."""
        snapshot = self.snapshot
        info = self.read(scope)
        return snapshot, info, snapshot.match(info, scope)

    async def _for_staff(self, info: RequestInfo, match: Match, scope: Scope) -> Resolved:
        """Resolve a request for a page of the gateway's own that only staff may see."""
        # Asked anew: who has logged out, or is no longer staff, gets no page.
        decision = decide_page(await self.caller(match, info, scope, remembered=False))
        try:
            return info, match, decision, self.admitted(info, scope, decision).entry
        except BadRequest as reason:
            return self._refused(reason, info, match)

    def _refused(self, reason: Refusal, info: RequestInfo, match: Match | None) -> Resolved:
        self.on_refusal(reason, info)
        return info, match, *refused(reason)

    def read(self, scope: Scope) -> RequestInfo:
        """The request info, including what the project reads from a proxy's headers. Raises BadRequest."""
        info = read_request(scope, self.root_path, self.request_id)
        if (proxy_settings := self.legacy.proxy_settings) is not None:
            apply_proxy_settings(info, scope, proxy_settings)
        return info

    async def caller(self, match: Match, info: RequestInfo, scope: Scope, *, remembered: bool = True) -> Caller | None:
        """Who sent the request, according to the project; None when that can't be found out now. `remembered`: what was
        found out a moment ago will do."""
        return await self.legacy.caller(match, info, scope, remembered=remembered)

    def decide(self, match: Match | None, snapshot: Snapshot, info: RequestInfo, caller: Caller | None) -> Decision:
        """Decide which upstream answers. Raises Unavailable."""
        return decide(match, snapshot.compiled, info, caller, self.context)

    def admitted(self, info: RequestInfo, scope: Scope, decision: Decision) -> Upstream:
        """The upstream of `decision`. Raises BadRequest when it may not serve the request."""
        upstream = self.upstreams[decision.upstream]
        if (upstream is not self.legacy and decision is not PROBED) or info.method == "WEBSOCKET":
            admit(info, scope, self.legacy, upstream)
        if b"content-length" in info.headers:
            admit_body(info, upstream)
        return upstream
