"""What the tests of the app share: routes, and tables that are empty before each test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.config.routes import RouteConfig
from gateway.control import transitions as moves
from gateway.control.transitions import Transition
from gateway.stats.tally import Tally


def make_route(name: str = "catalog", **more: Any) -> RouteConfig:
    """A route of a file, at stage legacy unless `more` says otherwise."""
    table = {"name": name, "prefix": f"/{name}", "service": "items", "stage": "legacy"} | more
    return RouteConfig.model_validate(table)


def promote(route: RouteConfig, **more: Any) -> Transition:
    """As `moves.promote`, whether or not there is evidence."""
    return moves.promote(route, **({"anyway": True, "why": "tested"} | more))


def tally(*seconds: float, errors: int = 0) -> Tally:
    """One side whose requests took so long, `errors` of which failed."""
    made = Tally(requests=len(seconds), errors=errors)
    for took in seconds:
        made.histogram.add(took)
    return made


@pytest.fixture
def route() -> Callable[..., RouteConfig]:
    return make_route
