"""A mirror counts in no throttle: its caller has been counted, and both sides count under the same keys."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.views import APIView

from gateway.bridge.throttles import let_mirrors_pass
from tests.project.guarded import OncePerMinute
from tests.support.asgi import ask, running, until

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

SERVICES = {"g": {"app": "tests.project.guarded:app"}}


@pytest.fixture(autouse=True)
def three_a_minute(settings, project, monkeypatch):
    """What the throttle on both sides allows a caller."""
    settings.ROOT_URLCONF = "tests.project.guarded"
    monkeypatch.setattr(OncePerMinute, "rate", "3/min")
    cache.clear()
    yield
    cache.clear()


def mirroring(stage: str, **mirror: Any) -> dict[str, Any]:
    """The route of the throttled endpoint, all of whose requests are mirrored."""
    shares = {"shadow": 100, "canary": 100, "live": 100, "control": 0}
    return {"name": "r", "prefix": "/g/throttled", "service": "g", "stage": stage, "mirror": shares | mirror}


@pytest.mark.parametrize("stage", ["shadow", "live"])
@pytest.mark.parametrize("control", [0, 100])
async def test_a_mirrored_caller_has_the_whole_rate(gateway, stage, control):
    route = mirroring(stage, control=control)
    async with running(gateway(services=SERVICES, routes=[route], mirror={"lag": 10})) as app:

        def seen():
            return app.counters.take().mirrors("r")

        for number in (1, 2, 3):
            assert (await ask(app, "/g/throttled/")).status == 200
            assert await until(lambda number=number: seen().compared == number)
        assert (await ask(app, "/g/throttled/")).status == 429
        assert await until(lambda: seen().dropped == {"throttled": 1})
        assert (seen().equal, seen().controls) == (3, 3 if control else 0)


async def test_a_throttle_of_a_project_without_mirrors_counts_as_ever(gateway):
    async with running(gateway()) as app:
        statuses = [(await ask(app, "/g/throttled/")).status for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


def test_the_method_is_replaced_once():
    let_mirrors_pass()
    replaced = APIView.check_throttles
    let_mirrors_pass()
    assert APIView.check_throttles is replaced
