"""Elastic APM ends the transaction that is current when an application of Starlette's is done."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec
from typing import Any

import pytest

from gateway.compat.elasticapm import leave_transactions_alone

pytest.importorskip("elasticapm")
pytestmark = pytest.mark.anyio


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Elastic's, which sends nothing and starts no thread."""
    import elasticapm
    from elasticapm.instrumentation.packages.asyncio.starlette import StarletteServerErrorMiddlewareInstrumentation

    original = StarletteServerErrorMiddlewareInstrumentation.call
    monkeypatch.setattr(StarletteServerErrorMiddlewareInstrumentation, "call", original)
    made = elasticapm.Client(disable_send="true", metrics_interval="0ms", central_config="false", cloud_provider="none")
    yield made
    made.close()


PLACE = "elasticapm.instrumentation.packages.asyncio.starlette"


def untouched() -> Any:
    """The class as it comes, whatever another test has made of the one in use."""
    spec = find_spec(PLACE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.StarletteServerErrorMiddlewareInstrumentation


async def call_application(instrumentation: Any = None) -> None:
    from elasticapm.instrumentation.packages.asyncio.starlette import StarletteServerErrorMiddlewareInstrumentation

    async def application() -> None:
        pass

    await (instrumentation or StarletteServerErrorMiddlewareInstrumentation)().call("", "", application, None, (), {})


async def test_a_transaction_of_djangos_goes_on_after_an_application_inside_of_it(client):
    from elasticapm.traces import execution_context

    leave_transactions_alone()
    begun = client.begin_transaction("request")

    await call_application()

    assert execution_context.get_transaction() is begun
    client.end_transaction()


async def test_by_itself_elastic_ends_it(client):
    from elasticapm.traces import execution_context

    client.begin_transaction("request")

    await call_application(untouched())

    assert execution_context.get_transaction() is None
