"""Test a project through the gateway: clients, fixtures, and its existing suite unchanged (docs/testing.md).

What a request has of synchronous code (views, middleware, `def` endpoints, every query of the ORM) runs on the
thread that asked, while that thread waits for its answer; the event loop runs on a thread of its own. So a test
and the code it asks for share a connection, and its transaction, as under Django's own test client.

    executors.py    the thread that asks, at the disposal of its request;   sharing.py  a test's connections
    live.py         a gateway that runs in this process, and how to ask it
    client_call.py  one question: what Django made of it on the way
    environ.py      between the test client's environ and ASGI
    client.py       django.test.Client and AsyncClient, through the gateway
    api.py          the same for REST framework's APIClient
    http.py         httpx clients
    routes.py       override_route
    sides.py        one request, asked of both sides of its route, and what differs
    clock.py        a clock that stands still; draws and identifiers that are the same in each run
    contract.py     both sides of a route, asked the same in contract tests
    recording.py    what an upstream was asked, and what it answered
    suite.py        a whole suite through the gateway: stages.py, at which stages;  tally.py, how many requests
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
    # Late: pytest loads the plugin in every run, whether or not there is a Django project.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
