"""`gateway explain`: which upstream would answer one request, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, misuse, print_json, say
from gateway.rollout.stage import CANARY

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.rollout.cohort import Caller

__all__ = ["EPILOG", "explain"]

EPILOG = """\
\b
Examples:
  gateway explain GET /api/products/3/
  gateway explain GET /api/products/3/ --as ada
  gateway explain GET /api/products/3/ --client 203.0.113.9 -H 'Cookie: sessionid=…'
  gateway explain get 'http://shop.example/api/products/?page=2'
  gateway explain WEBSOCKET /ws/chat/ --header 'Origin: https://shop.example'
  gateway explain OPTIONS /api/cart/ -H 'Origin: https://a.example' -H 'Access-Control-Request-Method: POST'

The server's own code decides, at the current stages; nothing is sent. Without a host, one of ALLOWED_HOSTS is \
assumed. Circuit breakers are assumed to be closed: each server process has its own.
"""


def explain(
    context: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, …, or WEBSOCKET.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="A path, optionally with a query, or a whole URL.")],
    host: Annotated[str | None, typer.Option(metavar="NAME", help="The Host header.", show_default=False)] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="'NAME: VALUE'", help="A header; can be repeated.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--as", metavar="USER", help="The user who sends it, however logged in. [default: by --header]"),
    ] = None,
    client: Annotated[str, typer.Option(metavar="ADDRESS", help="The caller's address.")] = "127.0.0.1",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which upstream would answer a request, and why."""
    from gateway.workbench.explain import explained, own_host, scope_of
    from gateway.workbench.runtime_states import put_in_force

    headers = [_parsed(line) for line in header or ()]
    gateway = build(config_path(context, config))
    states = put_in_force(gateway)
    scope = scope_of(method, path, headers, host, default_host=own_host(gateway), client=client)
    named = None if user is None else _named(gateway, user)
    explanation = explained(gateway, scope, named) | {"stages": states.described()}
    if as_json:
        print_json("explain", **_described(explanation))
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


def _named(gateway: Gateway, user: str) -> Caller:
    """The caller that requests of this user would have."""
    from gateway.workbench import describe

    if not describe.is_django(gateway):
        misuse("--as: legacy is no Django project, and has no users")
    from gateway.cli.caller import caller_named

    return caller_named(user)


def _described(found: dict[str, Any]) -> dict[str, Any]:
    """The result in the form of `ExplainDocument` in workbench/shapes."""
    from gateway.workbench.shapes import stage

    return found | {"effective": None if found["effective"] is None else stage(found["effective"])}


def _print(found: dict[str, Any]) -> None:
    status = f" with status {found['status']}" if found["status"] else ""
    say(f"{found['method']} {found['path']} → {found['upstream'] or _itself(found)}{status}\n")
    for title, text in _lines(found).items():
        if text is not None:
            say(f"{title:<10}{text}")


def _itself(found: dict[str, Any]) -> str:
    """Who answers where no upstream does."""
    return "the gateway itself" if found["status"] == 200 else "refused"


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
        # Without a route, it doesn't matter where the stages come from.
        "stages": found["stages"]["why"] if found["route"] else None,
    }


def _route_line(found: dict[str, Any]) -> str | None:
    if found["route"] is None:
        return None
    state = found["effective"]
    weight = f" {state.weight:g} %" if state.stage == CANARY else ""
    return f"{found['route']}, {state.stage}{weight}"


def _caller_line(caller: dict[str, Any] | None) -> str | None:
    if caller is None:
        return None
    if caller["user"] is None:
        return "not logged in"
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
    return f"{cookie['name']}, for {cookie['max_age_seconds']} seconds{pins}"
