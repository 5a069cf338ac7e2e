"""The plugin's own fixtures, with the project and the services of `tests.testing.site`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

CONFIG = {
    "legacy": {"settings": "legacy.settings", "threads": 4},
    "services": {
        "plain": {"app": "tests.testing.site:plain", "middleware": "none"},
        "bridged": {"app": "tests.testing.site:bridged"},
    },
    "routes": [
        {"name": "plain", "prefix": "/plain", "service": "plain"},
        {"name": "bridged", "prefix": "/bridged", "service": "bridged"},
        {
            "name": "moved",
            "prefix": "/moved",
            "service": "bridged",
            "key": "none",
            "always": ["signed-header"],
        },
    ],
}


@pytest.fixture(scope="package")
def gateway_config() -> dict[str, Any]:
    return CONFIG


@pytest.fixture(scope="package")
def _gateway_configured(gateway_config: Any) -> Iterator[None]:
    """As the plugin's; but the other tests of this repository have no part in it."""
    from gateway.testing.live import configure, stop

    configure(gateway_config)
    yield
    assert stop() == []
    configure(None)


@pytest.fixture(autouse=True)
def site(project: Any) -> Any:
    """The settings, which a test may change."""
    project.ROOT_URLCONF = "tests.testing.site"
    return project


def elsewhere(question: Any) -> Any:
    """What somebody with a connection of their own is told."""
    from concurrent.futures import ThreadPoolExecutor

    def ask() -> Any:
        try:
            return question()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(ask).result()
