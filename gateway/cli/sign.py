"""`gateway sign`: a header with which testers select a side."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from gateway.cli.common import ConfigOption, JsonOption, config_path, misuse, print_json
from gateway.cli.project import opened, route_named

__all__ = ["EPILOG", "seconds_in", "sign"]

EPILOG = """\
\b
Examples:
  gateway sign catalog --side service
  gateway sign catalog --side legacy --valid 30m
  curl -H "$(gateway sign catalog --side service)" https://shop.example/api/products/

It is valid for this route only, while the route is in canary, until it expires. Anybody who has it can use it: it is \
signed with SECRET_KEY, and not bound to a caller. The route must accept it: always = ["signed-header"].
"""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
_duration = re.compile(r"([1-9]\d{0,6})([smhd])").fullmatch


def seconds_in(text: str) -> int:
    """The seconds in "90s", "30m", "1h" or "7d"."""
    found = _duration(text)
    if found is None:
        raise typer.BadParameter(f'{text!r} is no time such as "90s", "30m", "1h" or "7d"')
    return int(found[1]) * _UNITS[found[2]]


def sign(
    context: typer.Context,
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="The route for which it is valid.")],
    side: Annotated[
        Literal["service", "legacy"], typer.Option(help="The side that answers requests with this header.")
    ],
    valid: Annotated[
        int, typer.Option(parser=seconds_in, metavar="TIME", help="How long it is valid, such as 90s, 30m, 1h or 7d.")
    ] = "1h",  # type: ignore[assignment] # parsed, as what a user gives
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a signed header that chooses one side of a route."""
    from gateway.clock import SYSTEM
    from gateway.rollout.affinity import Signer

    loaded = opened(context, config)
    if "signed-header" not in route_named(loaded, route).always:
        path = config_path(context, config)
        misuse(f'route {route!r} does not listen to such a header; write always = ["signed-header"] there, in {path}')
    expires = int(SYSTEM.time()) + valid
    value = Signer(_secrets(wsgi=loaded.legacy.wsgi is not None)).signed_side(route, side, expires)
    until = datetime.fromtimestamp(expires, UTC)
    if as_json:
        print_json("sign", route=route, side=side, header=loaded.rollout.header, value=value, expires=until)
        return
    typer.echo(f"{loaded.rollout.header}: {value}")
    typer.echo(f"It holds until {until:%Y-%m-%d %H:%M:%S} UTC.", err=True)


def _secrets(*, wsgi: bool) -> list[str | bytes]:
    """The secrets that DjangoUpstream uses."""
    if wsgi:
        misuse("legacy is no Django project: there is no SECRET_KEY to sign with")
    from django.conf import settings

    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
