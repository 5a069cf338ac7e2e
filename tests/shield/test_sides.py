"""An answer in Django's cache belongs to the side, and to the release, that gave it."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import RequestFactory
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.rollout.stage import State
from gateway.shield.sides import SIDE, keep_sides_apart
from tests.project import sharing
from tests.support.asgi import ask, running, until

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.long]
SERVICES = {"s": {"app": "tests.project.sharing:app"}}
CACHED = ["django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"]
MIRROR = {"control": 0, "shadow": 100, "canary": 100, "live": 100}


@pytest.fixture(autouse=True)
def cached(project):
    project.ROOT_URLCONF = "tests.project.sharing"
    project.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "sides"}}
    project.MIDDLEWARE = [CACHED[0], "django.middleware.common.CommonMiddleware", CACHED[1]]
    cache.clear()
    yield
    cache.clear()


def table(stage: str, **more) -> dict[str, object]:
    return {"name": "s", "prefix": "/s", "service": "s", "stage": stage, **more}


def shadowed(gateway):
    """A gateway that mirrors every request to the service, on a busy machine too."""
    return gateway(services=SERVICES, routes=[table("shadow") | {"mirror": MIRROR}], mirror={"lag": 10})


async def said(app, times: int = 1, path: str = "/s/sync/") -> list[tuple[str, int]]:
    answers = [(await ask(app, path)).json() for _ in range(times)]
    return [(answer["side"], answer["count"]) for answer in answers]


def moved(app, stage: str) -> None:
    app.publish(app.snapshot.at({"s": State(stage)}, 1))


@pytest.mark.parametrize("path", ["/s/sync/", "/s/page/"])
async def test_each_side_caches_for_itself_and_a_rollback_ends_the_services(gateway, path, project):
    if path == "/s/page/":
        project.MIDDLEWARE = []
    async with running(gateway(services=SERVICES, routes=[table("legacy")])) as app:
        assert await said(app, 2, path) == [("legacy", 1)] * 2
        moved(app, "live")
        first, again = await said(app, 2, path)
        assert first == ("service", 1)
        if path == "/s/sync/":
            assert again == ("service", 1)  # from the cache
        moved(app, "legacy")
        assert await said(app, 2, path) == [("legacy", 1)] * 2


async def test_a_mirror_is_answered_by_the_service_itself_and_callers_never_get_that(gateway):
    async with running(shadowed(gateway)) as app:
        for number in (1, 2, 3):
            assert await said(app) == [("legacy", 1)]
            assert await until(lambda number=number: len(sharing.said["service"]) == number)
        moved(app, "live")
        assert await said(app) == [("service", 4)]


async def test_what_is_private_on_one_side_is_not_cached_by_the_other(gateway, project):
    """Legacy never caches its own; the mirror's answer was stored, and callers got that."""
    project.MIDDLEWARE = [CACHED[0], f"{__name__}.private_for_legacy", CACHED[1]]
    async with running(shadowed(gateway)) as app:
        for number in (1, 2):
            assert await said(app) == [("legacy", number)]
            assert await until(lambda number=number: len(sharing.said["service"]) == number)


def private_for_legacy(get_response):
    def middleware(request):
        response = get_response(request)
        if SIDE not in request.scope:
            response["Cache-Control"] = "private"
        return response

    return middleware


async def test_another_release_does_not_get_the_answers_of_the_one_before(gateway, monkeypatch):
    async with running(gateway(services=SERVICES, routes=[table("live")])) as app:
        assert await said(app, 2) == [("service", 1)] * 2
    monkeypatch.setenv("GATEWAY_RELEASE", "2")
    async with running(gateway(services=SERVICES, routes=[table("live")])) as app:
        assert await said(app, 2) == [("service", 2)] * 2


def test_a_decorated_view_that_has_moved_caches_for_its_side():
    """As `drf(view=)` lifts it: the decorator goes with the view, and so does its middleware."""
    keep_sides_apart()
    counted = iter(range(10))

    class View(APIView):
        authentication_classes = ()
        permission_classes = ()

        @method_decorator(cache_page(60))
        def get(self, request):
            return Response(next(counted))

    def answered(**scope):
        request = RequestFactory().get("/view/")
        request.scope = scope
        return View.as_view()(request)

    def content(**scope):
        response = answered(**scope)
        return response.render().content if hasattr(response, "render") else response.content

    assert [content(), content(**{SIDE: "s.1"}), content(**{SIDE: "s.2"})] == [b"0", b"1", b"2"]
    assert [content(), content(**{SIDE: "s.1"}), content(**{SIDE: "s.2"})] == [b"0", b"1", b"2"]
