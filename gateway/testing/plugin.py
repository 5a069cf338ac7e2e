"""The pytest plugin. It loads neither Django nor FastAPI until a test asks for something of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from gateway.app import Gateway
    from gateway.testing.api import GatewayAPIClient
    from gateway.testing.client import GatewayAsyncClient, GatewayClient
    from gateway.testing.clock import FrozenClock
    from gateway.testing.recording import Recorded

__all__ = [
    "gateway_api_client",
    "gateway_app",
    "gateway_async_client",
    "gateway_client",
    "gateway_clock",
    "gateway_config",
    "gateway_http",
    "gateway_http_sync",
    "override_route",
    "pytest_addoption",
    "pytest_sessionfinish",
    "pytest_sessionstart",
    "record_upstream",
]

_patched = pytest.StashKey[ExitStack]()
# Fixtures of pytest-django that open a test's transaction; the autouse one goes by the mark.
_DATABASE = ("transactional_db", "db")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--through-gateway` and `--gateway-config`."""
    group = parser.getgroup("gateway", "django-fastapi-gateway")
    group.addoption(
        "--through-gateway",
        action="store_true",
        help="send the requests of every Django test client through the gateway",
    )
    group.addoption(
        "--gateway-config",
        metavar="PATH",
        help="the gateway's configuration (default: GATEWAY_CONFIG, gateway.toml or [tool.gateway] in the rootdir)",
    )


@pytest.hookimpl(trylast=True)  # after pytest-django has set Django up
def pytest_sessionstart(session: pytest.Session) -> None:
    """Lead Django's clients through the gateway, if that is asked for."""
    if not session.config.getoption("--through-gateway"):
        return
    if (file := _config_file(session.config)) is None:
        raise pytest.UsageError("--through-gateway: no gateway.toml here; --gateway-config names one")
    from gateway.testing.client import through_gateway
    from gateway.testing.loop import configure

    configure(file)
    session.config.stash[_patched] = stack = ExitStack()
    stack.enter_context(through_gateway())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Undo it, and stop the gateway, if one was started."""
    if (stack := session.config.stash.get(_patched, None)) is not None:
        stack.close()
    if (loop := sys.modules.get("gateway.testing.loop")) is not None:
        loop.stop()


def _config_file(config: pytest.Config) -> str | None:
    """The path of the configuration. None where only `find` could tell, which then says what is missing."""
    from gateway.config import find

    named: str | None = config.getoption("--gateway-config")
    if named is not None:
        return named
    found = find(config.rootpath)
    return str(found) if found is not None else None


@pytest.fixture(scope="session")
def gateway_config(request: pytest.FixtureRequest) -> Any:
    """The configuration to test with: a path, or a mapping shaped like gateway.toml. Override it in conftest.py."""
    return _config_file(request.config)


@pytest.fixture(scope="session")
def _gateway_configured(gateway_config: Any) -> Iterator[None]:
    from gateway.testing.loop import configure, stop

    configure(gateway_config)
    yield
    stop()


@pytest.fixture
def _gateway_running(request: pytest.FixtureRequest, _gateway_configured: None) -> Iterator[None]:
    """After the fixtures of pytest-django that open the test's transaction; and asynchronous code shares in it."""
    for name in _DATABASE:
        if name in request.fixturenames:
            request.getfixturevalue(name)
    from gateway.testing.loop import running

    running()  # without pytest-django, this is what sets Django up
    from gateway.testing.sharing import shared_with_async_code

    with shared_with_async_code():
        yield


@pytest.fixture
def gateway_app(_gateway_running: None) -> Gateway:
    """The `Gateway` that the clients ask. It is started when first needed, and stopped after the last test."""
    from gateway.testing.loop import running

    return running().gateway


@pytest.fixture
def gateway_client(gateway_app: Gateway) -> GatewayClient:  # noqa: ARG001
    """`django.test.Client`, through the gateway."""
    from gateway.testing.client import GatewayClient

    return GatewayClient()


@pytest.fixture
def gateway_async_client(gateway_app: Gateway) -> GatewayAsyncClient:  # noqa: ARG001
    """`django.test.AsyncClient`, through the gateway."""
    from gateway.testing.client import GatewayAsyncClient

    return GatewayAsyncClient()


@pytest.fixture
def gateway_api_client(gateway_app: Gateway) -> GatewayAPIClient:  # noqa: ARG001
    """REST framework's `APIClient`, through the gateway."""
    from gateway.testing.api import GatewayAPIClient

    return GatewayAPIClient()


@pytest.fixture
def gateway_http(gateway_app: Gateway) -> httpx.AsyncClient:  # noqa: ARG001
    """`httpx.AsyncClient`, for asynchronous tests."""
    from gateway.testing.http import async_client

    return async_client()


@pytest.fixture
def gateway_http_sync(gateway_app: Gateway) -> Iterator[httpx.Client]:  # noqa: ARG001
    """`httpx.Client`."""
    from gateway.testing.http import sync_client

    with sync_client() as client:
        yield client


@pytest.fixture
def gateway_clock(gateway_app: Gateway, monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """The clock that the gateway reads during the test: it stands still until `gateway_clock.advance(seconds)`."""
    from gateway.testing.clock import FrozenClock

    clock = FrozenClock()
    monkeypatch.setattr(gateway_app, "clock", clock)
    return clock


@pytest.fixture
def override_route(gateway_app: Gateway) -> Iterator[Callable[..., AbstractContextManager[Any]]]:
    """`override_route(name, stage, weight=0.0)`: at once, until the end of the test or of the `with` it stands in."""
    from gateway.testing.routes import override_route as overridden

    with ExitStack() as until_the_end:

        def override(name: str, stage: str, weight: float = 0.0) -> ExitStack:
            here = ExitStack()
            here.enter_context(overridden(name, stage, weight, gateway=gateway_app))
            until_the_end.enter_context(here)
            return here

        yield override


@pytest.fixture
def record_upstream(gateway_app: Gateway) -> Iterator[Callable[[str], list[Recorded]]]:
    """`record_upstream(name)`: a list that gets what the upstream is asked and answers from now on."""
    from gateway.testing.recording import record

    with ExitStack() as until_the_end:
        yield lambda name: until_the_end.enter_context(record(name, gateway=gateway_app))
