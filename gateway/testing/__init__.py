"""Test a project through the gateway: clients, fixtures, and its existing suite unchanged (docs/testing.md).

A request's synchronous code (views, middleware, `def` endpoints, every ORM query) runs on the caller's thread, while
that waits for the response; the event loop runs on a thread of its own. So a test and the code that it calls share a
connection and its transaction, as under Django's own test client.

    executors.py    run a request's synchronous code on the caller's thread;   sharing.py  share a test's connections
    live.py         a gateway that runs in this process, and requests to it;   rereading.py  follows changed settings
    client_call.py  one request of a Django test client, and what Django made of it
    environ.py      converts between the test client's environ and ASGI
    client.py       django.test.Client and AsyncClient, through the gateway
    api.py          the same for REST framework's APIClient
    http.py         httpx clients
    routes.py       override_route
    sides.py        sends one request to both sides of its route, and compares
    clock.py        a clock that a test advances; deterministic draws and IDs
    contract.py     contract tests: the same request to both sides of a route
    recording.py    records an upstream's requests and responses
    suite.py        runs a whole suite through the gateway: stages.py, at which stages;  tally.py counts requests
    plugin.py       the pytest plugin;   runner.py  the runner for `manage.py test`;   options.py  of both
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.testing.api import GatewayAPIClient
    from gateway.testing.client import GatewayAsyncClient, GatewayClient, through_gateway
    from gateway.testing.clock import FrozenClock
    from gateway.testing.contract import Both, Contract
    from gateway.testing.http import async_client, sync_client
    from gateway.testing.live import LiveGateway, configure, running
    from gateway.testing.recording import Recorded, record
    from gateway.testing.routes import override_route
    from gateway.testing.sides import Sides, compare_sides

__all__ = [
    "Both",
    "Contract",
    "FrozenClock",
    "GatewayAPIClient",
    "GatewayAsyncClient",
    "GatewayClient",
    "LiveGateway",
    "Recorded",
    "Sides",
    "async_client",
    "compare_sides",
    "configure",
    "override_route",
    "record",
    "running",
    "sync_client",
    "through_gateway",
]

_HOMES = {
    "Both": "contract",
    "Contract": "contract",
    "FrozenClock": "clock",
    "GatewayAPIClient": "api",
    "GatewayAsyncClient": "client",
    "GatewayClient": "client",
    "Recorded": "recording",
    "Sides": "sides",
    "LiveGateway": "live",
    "async_client": "http",
    "compare_sides": "sides",
    "configure": "live",
    "override_route": "routes",
    "record": "recording",
    "running": "live",
    "sync_client": "http",
    "through_gateway": "client",
}


def __getattr__(name: str) -> Any:
    # Imported late: pytest loads the plugin in every run, even without a Django project.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
