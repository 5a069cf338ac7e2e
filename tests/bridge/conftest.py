"""A gateway with the service `tests.project.bridged` inside the test project's middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.conf import settings as django_settings

from gateway import Gateway
from tests.support.asgi import running

HOOKS = "tests.project.middleware.Hooks"


@pytest.fixture
def bridged(gateway: Callable[..., Gateway], settings: Any) -> Callable[..., Gateway]:
    """Build a gateway with so many `threads`; keyword arguments are keys of the service's table."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, HOOKS]

    def build(chain: list[str] | None = None, *, threads: int = 4, **service: Any) -> Gateway:
        if chain is not None:
            settings.MIDDLEWARE = chain
        service = {"app": "tests.project.bridged:app"} | service
        legacy = {"settings": "legacy.settings", "threads": threads, "static": False}
        routes = [{"name": "b", "prefix": "/b", "service": "bridged"}]
        return gateway(legacy=legacy, services={"bridged": service}, routes=routes)

    return build


@pytest.fixture
async def app(bridged: Callable[..., Gateway]) -> AsyncIterator[Gateway]:
    """The gateway with everything at its default."""
    assert HOOKS in django_settings.MIDDLEWARE
    async with running(bridged()) as app:
        yield app
