"""The pytest plugin. It imports neither Django nor FastAPI until a test uses it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from gateway.testing.options import OPTIONS

if TYPE_CHECKING:
    import httpx

    from gateway.app import Gateway
    from gateway.testing.api import GatewayAPIClient
    from gateway.testing.client import GatewayAsyncClient, GatewayClient
    from gateway.testing.clock import FrozenClock
    from gateway.testing.contract import Contract
    from gateway.testing.recording import Recorded
    from gateway.testing.sides import Sides
    from gateway.testing.suite import Suite

__all__ = [
    "compare_sides",
    "gateway_api_client",
    "gateway_app",
    "gateway_async_client",
    "gateway_client",
    "gateway_clock",
    "gateway_config",
    "gateway_contract",
    "gateway_http",
    "gateway_http_sync",
    "override_route",
    "pytest_addoption",
    "pytest_sessionfinish",
    "pytest_sessionstart",
    "pytest_terminal_summary",
    "record_upstream",
]

_suite: pytest.StashKey[Suite] = pytest.StashKey()
_lines = pytest.StashKey[tuple[str, ...]]()
# Fixtures of pytest-django that open a test's transaction; the autouse one depends on the mark.
_DATABASE = ("transactional_db", "db")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--through-gateway`, and `--gateway-…`."""
    group = parser.getgroup("gateway", "django-fastapi-gateway")
    group.addoption(
        "--through-gateway",
        action="store_true",
        help="send the requests of every Django test client through the gateway",
    )
    for name, details in OPTIONS.items():
        group.addoption(name, **details)


@pytest.hookimpl(trylast=True)  # after pytest-django has set Django up
def pytest_sessionstart(session: pytest.Session) -> None:
    """Make Django's clients call the gateway, if the option is given."""
    if not session.config.getoption("--through-gateway"):
        return
    if _is_worker(session.config):
        from gateway.testing.suite import join

        join()
        return
    from gateway.config.problems import ConfigError
    from gateway.testing.suite import Suite

    options = session.config.option
    try:
        suite = Suite(
            options.gateway_config,
            options.gateway_stage or (),
            allow_none=options.gateway_allow_none,
            folder=session.config.rootpath,
        )
        session.config.stash[_suite] = suite.__enter__()
    except (ConfigError, ValueError, LookupError) as exc:
        raise pytest.UsageError(f"--through-gateway: {exc}") from exc


@pytest.hookimpl(trylast=True)  # when the processes of pytest-xdist have ended
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Count the requests, undo the patches, and stop the gateway, if one was started."""
    config = session.config
    if _is_worker(config) and config.getoption("--through-gateway"):
        from gateway.testing.suite import leave

        leave()
    if (suite := config.stash.get(_suite, None)) is not None:
        report = suite.report(ran=session.testscollected > 0 and not config.option.collectonly)
        config.stash[_lines] = report.lines
        if report.failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        suite.__exit__(None, None, None)
    if (loop := sys.modules.get("gateway.testing.live")) is not None:
        loop.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the summary of the gateway."""
    if lines := config.stash.get(_lines, None):
        terminalreporter.section("gateway")
        for line in lines:
            terminalreporter.write_line(line)


def _is_worker(config: pytest.Config) -> bool:
    """Whether this is a process of pytest-xdist."""
    return hasattr(config, "workerinput")


@pytest.fixture(scope="session")
def gateway_config(request: pytest.FixtureRequest) -> Any:
    """The configuration to test with: a path, or a mapping shaped like gateway.toml. Override it in conftest.py."""
    from gateway.config.files import find

    return request.config.getoption("--gateway-config") or find(request.config.rootpath)


@pytest.fixture(scope="session")
def _gateway_configured(request: pytest.FixtureRequest, gateway_config: Any) -> Iterator[None]:
    from gateway.testing.live import configure, stop
    from gateway.testing.suite import states_of

    if not request.config.getoption("--through-gateway"):  # configured at the session's start then
        configure(gateway_config, states_of(gateway_config, request.config.getoption("--gateway-stage") or ()))
    yield
    stop()


@pytest.fixture
def _gateway_running(request: pytest.FixtureRequest, _gateway_configured: None) -> Iterator[None]:
    """Runs after the fixtures of pytest-django that open the test's transaction; asynchronous code shares it."""
    for name in _DATABASE:
        if name in request.fixturenames:
            request.getfixturevalue(name)
    from gateway.testing.live import running

    running()  # without pytest-django, this is what sets Django up
    from gateway.testing.sharing import shared_with_async_code

    with shared_with_async_code():
        yield


@pytest.fixture
def gateway_app(_gateway_running: None) -> Gateway:
    """The `Gateway` that the clients call. It is started when first needed, and stopped after the last test."""
    from gateway.testing.live import running

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
def gateway_clock(gateway_app: Gateway) -> Iterator[FrozenClock]:  # noqa: ARG001
    """The gateway's clock during the test: it stands still until `gateway_clock.advance(seconds)`. What the gateway
    draws (a sample, an ID) is the same in each run, too."""
    from gateway.testing.clock import FrozenClock
    from gateway.testing.live import frozen

    with frozen(clock := FrozenClock()):
        yield clock


@pytest.fixture
def override_route(gateway_app: Gateway) -> Iterator[Callable[..., AbstractContextManager[Any]]]:
    """`override_route(name, stage, weight=0.0)`: applies at once, until the end of the test or of its `with` block."""
    from gateway.testing.routes import override_route as overridden

    with ExitStack() as until_the_end:

        def override(name: str, stage: str, weight: float = 0.0) -> ExitStack:
            here = ExitStack()
            here.enter_context(overridden(name, stage, weight, gateway=gateway_app))
            until_the_end.enter_context(here)
            return here

        yield override


@pytest.fixture
def compare_sides(gateway_app: Gateway) -> Callable[..., Sides]:
    """`compare_sides(method, target, route="catalog", body=b"", headers={}, user=None)`: sends a request to both sides
    from the same state. With `recorded`, the status that legacy once answered with, the test is skipped if legacy's
    status is in another class now: then it would prove nothing."""
    from gateway.testing.sides import compare_sides as compared

    def compare(method: str, target: str, *, recorded: int | None = None, **more: Any) -> Sides:
        sides = compared(gateway_app, method, target, **more)
        status = sides.legacy.status
        if recorded is not None and status // 100 != recorded // 100:
            pytest.skip(
                f"legacy answers {status} here, and answered {recorded} when this was recorded: rows are missing"
            )
        return sides

    return compare


@pytest.fixture
def record_upstream(gateway_app: Gateway) -> Iterator[Callable[[str], list[Recorded]]]:
    """`record_upstream(name)`: a list to which the upstream's requests and responses are added from now on."""
    from gateway.testing.recording import record

    with ExitStack() as until_the_end:
        yield lambda name: until_the_end.enter_context(record(name, gateway=gateway_app))


@pytest.fixture
def gateway_contract(gateway_app: Gateway) -> Callable[..., Contract]:
    """`gateway_contract(name)`: sends requests to both sides of a route: see `gateway.testing.Contract`."""
    from gateway.testing.contract import Contract

    return lambda name, **options: Contract(name, gateway_app, **options)
