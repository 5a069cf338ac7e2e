"""Parses the user's input for `gateway record`: a route's name, or an endpoint of the project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gateway.config.routes import RouteConfig
from gateway.recording.plan import Target, plain_template
from gateway.workbench.inventory import find_all

__all__ = ["duration", "targets_of"]

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST = 7 * 86400.0  # seconds


def targets_of(texts: Sequence[str], routes: Iterable[RouteConfig]) -> list[Target]:
    """The requests that `texts` name: each is a route's name, or an argument of `inventory.find` ("GET /api/orders/", a
    view's name). Raises NoSuchEndpoint."""
    names = {route.name for route in routes}
    found: list[Target] = []
    for text in texts:
        if text in names:
            found.append(Target(route=text))
        else:
            found += [Target(method=one.method, template=plain_template(one.template)) for one in find_all(text)]
    return [*dict.fromkeys(found)]


def duration(text: str) -> float:
    """The number of seconds in "10m", "90s", "2h" or "1d". Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not 1 <= seconds <= LONGEST:
        raise ValueError(f"90s, 10m, 2h or up to 7d, not {text!r}")
    return seconds
