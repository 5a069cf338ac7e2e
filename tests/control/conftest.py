"""What the tests of the app share: routes, and tables that are empty before each test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.config import RouteConfig


def make_route(name: str = "catalog", **more: Any) -> RouteConfig:
    """A route of a file, at stage legacy unless `more` says otherwise."""
    table = {"name": name, "prefix": f"/{name}", "service": "items", "stage": "legacy"} | more
    return RouteConfig.model_validate(table)


@pytest.fixture
def route() -> Callable[..., RouteConfig]:
    return make_route
