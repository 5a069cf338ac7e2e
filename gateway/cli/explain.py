"""`gateway explain`: who would answer one request, and why."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, unquote, urlsplit

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, print_json

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.routing.facts import Facts
    from gateway.snapshot import Snapshot

__all__ = ["EPILOG", "explain", "scope_of"]

EPILOG = """\
\b
Examples:
  gateway explain GET /api/products/3/
  gateway explain get 'http://shop.example/api/products/?page=2'
  gateway explain WEBSOCKET /ws/chat/ --header 'Origin: https://shop.example'
  gateway explain OPTIONS /api/cart/ -H 'Origin: https://a.example' -H 'Access-Control-Request-Method: POST'

The same code decides as in the server; nothing is sent. Without a host, one of ALLOWED_HOSTS is assumed.
"""


# What the caller isn't told.
_REFUSALS = {
    403: "the socket's Origin is neither this host nor one of CSRF_TRUSTED_ORIGINS",
    404: "nobody serves WebSockets on this path",
}


def explain(
    context: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, …, or WEBSOCKET.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="A path, with its query if you like, or a whole URL.")],
    host: Annotated[str | None, typer.Option(metavar="NAME", help="The Host header.", show_default=False)] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="'NAME: VALUE'", help="A header; can be repeated.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which upstream would answer a request, and why."""
    headers = [_parsed(line) for line in header or ()]
    gateway = build(config_path(context, config))
    explanation = _explained(gateway, scope_of(method, path, headers, host, default_host=_own_host(gateway)))
    if as_json:
        print_json(explanation)
    else:
        _print(explanation)


def _parsed(line: str) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(":")
    try:
        if not colon or not name.strip():
            raise ValueError
        return name.strip().lower().encode("ascii"), value.strip().encode("latin-1")
    except ValueError:
        raise typer.BadParameter(f"{line!r} is not 'Name: value'", param_hint="--header") from None


def scope_of(
    method: str,
    target: str,
    headers: list[tuple[bytes, bytes]],
    host: str | None = None,
    *,
    default_host: str = "localhost",
) -> dict[str, Any]:
    """The ASGI scope that uvicorn makes of such a request. `default_host` is for one that names no host."""
    scheme = "http"
    if target.startswith(("http://", "https://")):
        url = urlsplit(target)
        scheme, host = url.scheme, host or url.netloc.rpartition("@")[2]
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if host is None and not any(name == b"host" for name, _ in headers):
        host = default_host
    # A client quotes what may not stand in a URL, and keeps the fragment to itself.
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
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 8000),
    }
    if scope["method"] == "WEBSOCKET":
        del scope["method"]
        scope |= {"type": "websocket", "scheme": "wss" if scheme == "https" else "ws", "subprotocols": []}
    return scope


def _own_host(gateway: Gateway) -> str:
    """A host that the project answers for."""
    from gateway.cli import describe

    if describe.is_django(gateway):
        from django.conf import settings

        named = [host.removeprefix(".") for host in settings.ALLOWED_HOSTS if host != "*"]
        return named[0] if named else "localhost"
    return "localhost"


def _explained(gateway: Gateway, scope: dict[str, Any]) -> dict[str, Any]:
    """As Gateway.__call__, up to the point where the request would be handed over."""
    from gateway.admission import admit, host_of
    from gateway.rollout.cohort import NOBODY_KNOWN
    from gateway.rollout.decision import decide
    from gateway.routing.facts import BadRequest, read

    found: dict[str, Any] = {"method": scope.get("method", "WEBSOCKET"), "path": scope["path"], "upstream": None}
    found |= dict.fromkeys(("reason", "status", "route", "stage", "endpoint", "view", "view_name"))
    snapshot = gateway.snapshot
    try:
        facts = read(scope, gateway.config.gateway.root_path or gateway.legacy.script_name, None)
        found["path"] = facts.path
        match = snapshot.match(facts, scope)
        decision = decide(match, snapshot.choices, facts, NOBODY_KNOWN, gateway.circumstances)
        upstream = gateway.upstreams[decision.upstream]
        if match is not None and decision.route is not None:
            stages = {route.name: route.stage for route in gateway.config.routes}
            found |= {"route": decision.route, "stage": stages[decision.route], "endpoint": match.template}
        host = host_of(facts, scope, gateway.legacy)
        if not gateway.legacy.allows_host(host):
            raise BadRequest(f"ALLOWED_HOSTS does not have the host {host.decode('latin-1')!r}")
        if upstream is not gateway.legacy or facts.method == "WEBSOCKET":
            admit(facts, scope, gateway.legacy, upstream)
    except BadRequest as exc:
        status = getattr(exc, "status", 400)
        return found | {"status": status, "reason": _REFUSALS.get(status, str(exc))}
    found |= {"upstream": decision.upstream, "reason": decision.reason}
    if upstream is gateway.legacy:
        found["view"], found["view_name"] = _view(gateway, facts.path)
    elif facts.method not in ("WEBSOCKET", "OPTIONS") and _takes_other_methods(snapshot, facts):
        found |= {"status": 405, "reason": f"{decision.reason}, but no endpoint takes {facts.method} on this path"}
    return found


def _takes_other_methods(snapshot: Snapshot, facts: Facts) -> bool:
    """Whether services have this path, but not for this method: the one that gets it anyway says so."""
    from gateway.routing.table import OTHER_METHODS

    return snapshot.table.match(facts.path, facts.wanted) is OTHER_METHODS and bool(snapshot.served(facts.path))


def _view(gateway: Gateway, path: str) -> tuple[str | None, str | None]:
    """Which of Django's views answers `path` (its dotted path, or words), and the name it is reversed by."""
    from gateway.cli import describe

    if not describe.is_django(gateway):
        return None, None
    from django.conf import settings
    from django.urls import Resolver404, resolve
    from django.utils import translation

    from gateway.upstreams.static import build_static

    static = build_static() if gateway.config.legacy.static else None
    if static is not None and static.find(path) is not None:
        return "a static file", None
    # Under i18n_patterns the path says which language is active, as LocaleMiddleware finds out.
    language = translation.get_language_from_path(path) or settings.LANGUAGE_CODE
    with translation.override(language):
        for candidate in (path, f"{path}/"):
            try:
                view = resolve(candidate)
            except Resolver404:
                continue
            if candidate != path:
                return (f"none; a redirect to {candidate}" if settings.APPEND_SLASH else None), None
            return view._func_path, view.view_name or None  # noqa: SLF001 - as Django's own repr and admindocs
    return None, None


def _print(found: dict[str, Any]) -> None:
    status = f" with status {found['status']}" if found["status"] else ""
    typer.echo(f"{found['method']} {found['path']} → {found['upstream'] or 'refused'}{status}\n")
    named = f" ({found['view_name']})" if found["view_name"] else ""
    lines = {
        "reason": found["reason"],
        "route": found["route"],
        "endpoint": found["endpoint"],
        "view": f"{found['view']}{named}" if found["view"] else None,
    }
    if found["upstream"] == "legacy" and lines["view"] is None:
        lines["view"] = "none in the URLconf"
    for title, text in lines.items():
        if text is not None:
            typer.echo(f"{title:<10}{text}")
