"""`gateway explain`: who would answer one request, and why."""

from __future__ import annotations

import asyncio
import string
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, unquote, urlsplit

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, misuse, print_json

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.rollout.cohort import Caller
    from gateway.rollout.decision import Decision
    from gateway.routing.facts import Facts
    from gateway.routing.table import Match
    from gateway.snapshot import Snapshot

__all__ = ["EPILOG", "explain", "scope_of"]

EPILOG = """\
\b
Examples:
  gateway explain GET /api/products/3/
  gateway explain GET /api/products/3/ --as ada
  gateway explain GET /api/products/3/ --client 203.0.113.9 -H 'Cookie: sessionid=…'
  gateway explain get 'http://shop.example/api/products/?page=2'
  gateway explain WEBSOCKET /ws/chat/ --header 'Origin: https://shop.example'
  gateway explain OPTIONS /api/cart/ -H 'Origin: https://a.example' -H 'Access-Control-Request-Method: POST'

The same code decides as in the server, at the stages that are in force; nothing is sent. Without a host, one of \
ALLOWED_HOSTS is assumed. Whether a service rests after failures is known to each server process only.
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
    user: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="As this user, logged in. [default: as --header says]")
    ] = None,
    client: Annotated[str, typer.Option(metavar="ADDRESS", help="The caller's address.")] = "127.0.0.1",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which upstream would answer a request, and why."""
    from gateway.cli.effective import put_in_force

    headers = [_parsed(line) for line in header or ()]
    gateway = build(config_path(context, config))
    states = put_in_force(gateway)
    scope = scope_of(method, path, headers, host, default_host=_own_host(gateway), client=client)
    explanation = _explained(gateway, scope, user) | {"states": states.source, "states_why": states.why}
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
    client: str = "127.0.0.1",
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
        "client": (client, 0),
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


_FIELDS = (
    "upstream", "reason", "status", "route", "stage", "weight", "endpoint", "view", "view_name",
    "caller", "bucket", "fallback", "mirror", "cookie", "drawn",
)  # fmt: skip


def _explained(gateway: Gateway, scope: dict[str, Any], user: str | None) -> dict[str, Any]:
    """As Gateway.__call__, up to the point where the request would be handed over."""
    from gateway.admission import admit, host_of
    from gateway.rollout.decision import Unavailable
    from gateway.routing.facts import BadRequest, read

    found: dict[str, Any] = {"method": scope.get("method", "WEBSOCKET"), "path": scope["path"]} | dict.fromkeys(_FIELDS)
    snapshot = gateway.snapshot
    try:
        facts = read(scope, gateway.config.gateway.root_path or gateway.legacy.script_name, None)
        found["path"] = facts.path
        match = snapshot.match(facts, scope)
        decision, decided = _decided(gateway, match, facts, user)
        found |= decided
        upstream = gateway.upstreams[decision.upstream]
        host = host_of(facts, scope, gateway.legacy)
        if not gateway.legacy.allows_host(host):
            raise BadRequest(f"ALLOWED_HOSTS does not have the host {host.decode('latin-1')!r}")
        if upstream is not gateway.legacy or facts.method == "WEBSOCKET":
            admit(facts, scope, gateway.legacy, upstream)
    except (BadRequest, Unavailable) as exc:
        status = getattr(exc, "status", 400)
        return found | {"status": status, "reason": _REFUSALS.get(status, str(exc))}
    found |= {"upstream": decision.upstream, "reason": decision.reason}
    if upstream is gateway.legacy:
        found["view"], found["view_name"] = _view(gateway, facts.path)
    elif facts.method not in ("WEBSOCKET", "OPTIONS") and _takes_other_methods(snapshot, facts):
        found |= {"status": 405, "reason": f"{decision.reason}, but no endpoint takes {facts.method} on this path"}
    return found


def _decided(gateway: Gateway, match: Match | None, facts: Facts, user: str | None) -> tuple[Decision, dict[str, Any]]:
    """The decision, and what there is to say of it. Raises Unavailable."""
    from gateway.cli.consequences import consequences
    from gateway.rollout.cohort import NOBODY_KNOWN
    from gateway.rollout.decision import decide

    snapshot, age = gateway.snapshot, gateway.config.rollout.cookie_age
    caller: Caller | None = NOBODY_KNOWN
    asked = match is not None and match.route in snapshot.asking
    if asked or user is not None:
        caller = _caller(gateway, facts, user)
    drawn: list[str] = []

    def new_id() -> str:
        drawn.append(gateway.circumstances.new_id())
        return drawn[-1]

    circumstances = replace(gateway.circumstances, new_id=new_id)
    decision = decide(match, snapshot.choices, facts, caller, circumstances)
    found: dict[str, Any] = {"bucket": decision.bucket}
    if match is not None and decision.route is not None:
        state = snapshot.choices[decision.route].plan.state
        found |= {"route": decision.route, "stage": state.stage, "endpoint": match.template}
        found["weight"] = state.weight if state.stage == "canary" else None
    if caller is not None and (asked or user is not None):
        found["caller"] = {"user": caller.user, "staff": caller.staff, "groups": sorted(caller.groups)}
    return decision, found | consequences(
        decision,
        snapshot,
        facts.method,
        facts.path,
        age,
        marked=match is not None and _marked(snapshot, match, facts.method),
        new_visitor=bool(drawn),
    )


def _marked(snapshot: Snapshot, match: Match, method: str) -> bool:
    """Whether the endpoint says that all it does is in the database's transaction."""
    from gateway.bridge.undo import transaction_aliases

    functions = [
        claim.endpoint.function
        for claim in snapshot.table.rules
        if claim.route == match.route and claim.endpoint.path == match.template and method in claim.endpoint.methods
    ]
    return any(function is not None and transaction_aliases(function) for function in functions)


def _caller(gateway: Gateway, facts: Facts, user: str | None) -> Caller | None:
    """Who asks: the user that was named, else whose session the request has; None when that can't be found out."""
    from gateway.cli import describe

    if user is None:
        return asyncio.run(_asked(gateway, facts))
    if not describe.is_django(gateway):
        misuse("--as: legacy is no Django project, and has no users")
    from gateway.cli.caller import caller_named

    return caller_named(user)


async def _asked(gateway: Gateway, facts: Facts) -> Caller | None:
    return await gateway.legacy.caller(facts.headers)


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
    for title, text in _lines(found).items():
        if text is not None:
            typer.echo(f"{title:<10}{text}")


def _lines(found: dict[str, Any]) -> dict[str, str | None]:
    named = f" ({found['view_name']})" if found["view_name"] else ""
    view = f"{found['view']}{named}" if found["view"] else None
    if found["upstream"] == "legacy" and view is None:
        view = "none in the URLconf"
    return {
        "reason": found["reason"],
        "drawn": found["drawn"],
        "route": _route_line(found),
        "endpoint": found["endpoint"],
        "view": view,
        "caller": _caller_line(found["caller"]),
        "fallback": _fallback_line(found["fallback"]),
        "mirror": found["mirror"]["why"] if found["mirror"] else None,
        "cookie": _cookie_line(found["cookie"]),
        # Where there is no route, it is the same from wherever the stages come.
        "stages": found["states_why"] if found["route"] else None,
    }


def _route_line(found: dict[str, Any]) -> str | None:
    if found["route"] is None:
        return None
    weight = "" if found["weight"] is None else f" {found['weight']:g} %"
    return f"{found['route']}, {found['stage']}{weight}"


def _caller_line(caller: dict[str, Any] | None) -> str | None:
    if caller is None:
        return None
    if caller["user"] is None:
        return "nobody who is logged in"
    staff = ", staff" if caller["staff"] else ""
    groups = f", of {', '.join(caller['groups'])}" if caller["groups"] else ""
    return f"user {caller['user']}{staff}{groups}"


def _fallback_line(fallback: dict[str, Any] | None) -> str | None:
    if fallback is None:
        return None
    return f"legacy {fallback['why']}" if fallback["allowed"] else f"none: {fallback['why']}"


def _cookie_line(cookie: dict[str, Any] | None) -> str | None:
    if cookie is None:
        return None
    pins = "".join(f"; stays on {side} in group {group!r}" for group, side in cookie["pins"].items())
    return f"{cookie['name']}, for {cookie['max_age']} seconds{pins}"
