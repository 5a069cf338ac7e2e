"""Which upstream would answer one request, and why, from the server's own resolver."""

from __future__ import annotations

import asyncio
import string
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote, urlsplit

from starlette.types import Scope

from gateway.admission import host_of
from gateway.resolver import Refusal, Resolver
from gateway.rollout.cohort import Caller
from gateway.rollout.decision import LEGACY, NOBODY, Decision
from gateway.routing.request import BadRequest, RequestInfo
from gateway.routing.table import PARTIAL, Match
from gateway.snapshot import Snapshot
from gateway.upstreams.base import Upstream
from gateway.wording import message
from gateway.workbench import describe
from gateway.workbench.effects import effects_of

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["explained", "own_host", "scope_of"]

# What callers don't see.
_REFUSALS = {
    403: message("the socket's Origin is neither this host nor one of CSRF_TRUSTED_ORIGINS"),
    404: message("no route and no legacy application serves WebSockets on this path"),
}


_FIELDS = (
    "upstream", "reason", "status", "route", "effective", "endpoint", "view", "view_name",
    "caller", "bucket", "fallback", "mirror", "cookie", "drawn",
)  # fmt: skip


class _Asking(Resolver):
    """The gateway's own resolver, which also records its steps. `named`, if given, is used as the caller."""

    def __init__(self, gateway: Gateway, named: Caller | None) -> None:
        ours = gateway.resolver
        context = replace(ours.context, new_id=self._new_id)
        super().__init__(
            ours.snapshot,
            ours.legacy,
            ours.upstreams,
            context,
            root_path=ours.root_path,
            request_id=None,
            on_refusal=self._note_refusal,
        )
        self.named = named
        self.asked = named
        self.decision: Decision | None = None
        self.refusal: Refusal | None = None
        self.drawn = False
        self._draw = ours.context.new_id

    def _new_id(self) -> str:
        self.drawn = True
        return self._draw()

    def _note_refusal(self, reason: Refusal, _info: RequestInfo) -> None:
        self.refusal = reason

    async def caller(self, match: Match, info: RequestInfo, scope: Scope, *, remembered: bool = True) -> Caller | None:
        if self.named is None:
            self.asked = await super().caller(match, info, scope, remembered=remembered)
        return self.asked

    def decide(self, match: Match | None, snapshot: Snapshot, info: RequestInfo, caller: Caller | None) -> Decision:
        self.decision = super().decide(match, snapshot, info, caller if self.named is None else self.named)
        return self.decision

    def admitted(self, info: RequestInfo, scope: Scope, decision: Decision) -> Upstream:
        host = host_of(info, scope)
        if not self.legacy.allows_host(host):  # Django checks that itself
            raise BadRequest(f"ALLOWED_HOSTS does not have the host {host.decode('latin-1')!r}")
        return super().admitted(info, scope, decision)


def explained(gateway: Gateway, scope: dict[str, Any], named: Caller | None = None) -> dict[str, Any]:
    """How the gateway resolves the request of this scope, in words; with `named` as its caller, if given."""
    found: dict[str, Any] = {"method": scope.get("method", "WEBSOCKET"), "path": scope["path"]} | dict.fromkeys(_FIELDS)
    resolver = _Asking(gateway, named)
    info, match, decision, _ = asyncio.run(resolver.resolve(scope))
    found["path"] = info.path
    if resolver.decision is not None:
        found |= _decided(gateway, resolver, match, info)
    if (refusal := resolver.refusal) is not None:
        status = getattr(refusal, "status", 400)
        return found | {"status": status, "reason": _REFUSALS.get(status, refusal.args[0])}
    found |= {"upstream": decision.upstream, "reason": decision.reason}
    if decision.upstream == NOBODY:
        return found | {"upstream": None, "status": 200}
    if decision.upstream == LEGACY:
        found["view"], found["view_name"] = _view(gateway, info.path)
    elif info.method not in ("WEBSOCKET", "OPTIONS") and _takes_other_methods(resolver.snapshot, info):
        reason = message(
            "{decided}, but no endpoint takes {method} on this path", decided=decision.reason, method=info.method
        )
        found |= {"status": 405, "reason": reason}
    return found


def _decided(gateway: Gateway, resolver: _Asking, match: Match | None, info: RequestInfo) -> dict[str, Any]:
    """The description of the decision."""
    snapshot, decision = resolver.snapshot, cast("Decision", resolver.decision)
    found: dict[str, Any] = {"bucket": decision.bucket}
    if match is not None and decision.route is not None:
        state = snapshot.compiled[decision.route].policy.state
        found |= {"route": decision.route, "effective": state, "endpoint": match.template}
    if (caller := resolver.asked) is not None:
        found["caller"] = {"user": caller.user, "staff": caller.staff, "groups": sorted(caller.groups)}
    return found | effects_of(
        decision,
        snapshot,
        info.method,
        info.path,
        gateway.config.rollout.cookie_age,
        marked=match is not None and _marked(snapshot, match, info.method),
        new_visitor=resolver.drawn,
    )


def _marked(snapshot: Snapshot, match: Match, method: str) -> bool:
    """Whether the endpoint is marked with `all_in_transaction`."""
    from gateway.bridge.rollback import transaction_aliases

    functions = [
        claim.endpoint.function
        for claim in snapshot.table.rules
        if claim.route == match.route and claim.endpoint.path == match.template and method in claim.endpoint.methods
    ]
    return any(function is not None and transaction_aliases(function) for function in functions)


def _takes_other_methods(snapshot: Snapshot, info: RequestInfo) -> bool:
    """Whether services have this path, but not for this method, so that the response's Allow says so."""
    return snapshot.table.match(info.path, info.routing_method) is PARTIAL and bool(snapshot.served(info.path))


def _view(gateway: Gateway, path: str) -> tuple[str | None, str | None]:
    """The Django view that answers `path` (its dotted path, or words), and its URL name."""
    if not describe.is_django(gateway):
        return None, None
    from django.conf import settings
    from django.urls import Resolver404, resolve
    from django.utils import translation

    from gateway.compat.django import function_path
    from gateway.legacy.static import build_static

    static = build_static() if gateway.config.legacy.static else None
    if static is not None and static.find(path) is not None:
        return message("a static file"), None
    # Under i18n_patterns the path determines the active language, as in LocaleMiddleware.
    language = translation.get_language_from_path(path) or settings.LANGUAGE_CODE
    with translation.override(language):
        for candidate in (path, f"{path}/"):
            try:
                view = resolve(candidate)
            except Resolver404:
                continue
            if candidate != path:
                return (message("none; a redirect to {path}", path=candidate) if settings.APPEND_SLASH else None), None
            return function_path(view), view.view_name or None
    return None, None


def scope_of(
    method: str,
    target: str,
    headers: list[tuple[bytes, bytes]],
    host: str | None = None,
    *,
    default_host: str = "localhost",
    client: str = "127.0.0.1",
) -> dict[str, Any]:
    """The ASGI scope that uvicorn would make of such a request. `default_host` is used if the target has no host."""
    scheme = "http"
    if target.startswith(("http://", "https://")):
        url = urlsplit(target)
        scheme, host = url.scheme, host or url.netloc.rpartition("@")[2]
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if host is None and not any(name == b"host" for name, _ in headers):
        host = default_host
    # Clients quote characters that are not allowed in URLs, and don't send the fragment.
    sent = quote(target.partition("#")[0], safe=string.digits + string.ascii_letters + string.punctuation)
    raw_path, _, query = sent.partition("?")
    if host is not None:
        headers = [(b"host", host.encode("utf-8")), *headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method.upper(),
        "scheme": scheme,
        "path": unquote(raw_path),
        "raw_path": raw_path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": headers,
        "client": (client, 0),
        "server": ("127.0.0.1", 8000),
    }
    if scope["method"] == "WEBSOCKET":
        del scope["method"]
        scope |= {"type": "websocket", "scheme": "wss" if scheme == "https" else "ws", "subprotocols": []}
    return scope


def own_host(gateway: Gateway) -> str:
    """A host in ALLOWED_HOSTS, for requests that name none."""
    if describe.is_django(gateway):
        from django.conf import settings

        named = [host.removeprefix(".") for host in settings.ALLOWED_HOSTS if host != "*"]
        return named[0] if named else "localhost"
    return "localhost"
