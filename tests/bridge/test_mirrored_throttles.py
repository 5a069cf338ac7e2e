"""A mirror counts in no throttle: its caller has been counted, and both sides count under the same keys."""

from __future__ import annotations

from functools import wraps
from io import BytesIO
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView, exception_handler

from gateway.dispatch.scope import MIRROR
from gateway.legacy.environ import environ_of
from gateway.legacy.request import request_of
from gateway.mirroring.throttles import let_mirrors_pass
from tests.project.guarded import OncePerMinute
from tests.support.asgi import ask, running, until

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.long]

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


async def test_a_refusal_that_a_handler_dresses_up_is_not_mirrored_either(gateway, settings):
    """Or who is refused would still be served: by the mirror, which passes."""
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"EXCEPTION_HANDLER": f"{__name__}.dressed_up"}
    async with running(gateway(services=SERVICES, routes=[mirroring("shadow")], mirror={"lag": 10})) as app:
        assert [(await ask(app, "/g/throttled/")).status for _ in range(4)] == [200, 200, 200, 403]
        assert await until(lambda: app.counters.take().mirrors("r").dropped == {"throttled": 1})


def dressed_up(exc: Exception, context: Any) -> Any:
    response = exception_handler(exc, context)
    if response is not None and response.status_code == 429:
        response.status_code = 403
    return response


async def test_a_throttle_of_a_project_without_mirrors_counts_as_ever(gateway):
    async with running(gateway()) as app:
        statuses = [(await ask(app, "/g/throttled/")).status for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


def test_the_method_is_replaced_once():
    let_mirrors_pass()
    replaced = APIView.check_throttles
    let_mirrors_pass()
    assert APIView.check_throttles is replaced


# -- which views --------------------------------------------------------------------------------


class Refusing(BaseThrottle):
    def allow_request(self, request: Any, view: Any) -> bool:
        return False


class Refused(APIView):
    permission_classes = (AllowAny,)
    throttle_classes = (Refusing,)

    def get(self, request: Any) -> Response:
        return Response()


class AskingByItself(Refused):
    """As adrf's views, which may wait for a throttle."""

    def check_throttles(self, request: Any) -> None:
        for throttle in self.get_throttles():
            if not throttle.allow_request(request, self):
                self.throttled(request, 1)


class ChoosingByItself(Refused):
    def get_throttles(self) -> list[BaseThrottle]:
        return [Refusing()]


@pytest.fixture(params=[False, True])
def passing(request, monkeypatch):
    """DRF as it comes, and with a method that something else, such as a tracer, has wrapped before."""
    original = getattr(APIView.check_throttles, "__wrapped__", APIView.check_throttles)

    @wraps(original)
    def traced(view, request):
        return original(view, request)

    monkeypatch.setattr(APIView, "get_throttles", getattr(APIView.get_throttles, "__wrapped__", APIView.get_throttles))
    monkeypatch.setattr(APIView, "check_throttles", traced if request.param else original)
    let_mirrors_pass()


@pytest.mark.parametrize("view", [Refused, AskingByItself, ChoosingByItself])
def test_no_view_asks_a_throttle_for_a_mirror(passing, view):
    def status(scope, **headers):
        lines = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": lines, **scope}
        return view.as_view()(request_of(environ_of(scope, BytesIO()))).status_code

    assert status({MIRROR: True}) == 200
    assert status({}) == status({}, **{"x-gateway-mirror": "1", MIRROR: "1"}) == 429
