"""What middleware may do to a request before a service gets it, as before a view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.decorators import async_only_middleware
from fastapi import FastAPI

from gateway import Gateway
from gateway.bridge import DjangoRequest
from gateway.workbench.describe import middleware_lines
from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio
SOURCE = Path(__file__).read_bytes()
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def here(request: HttpRequest) -> HttpResponseBase:
    raise NotImplementedError("only its name is asked for")


class OwnUrls:
    """A URLconf that a middleware chooses, as for one of several sites."""

    urlpatterns = [path("of-one-site/", here, name="of-one-site")]


def choosing(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.urlconf = OwnUrls  # type: ignore[attr-defined] # as Django documents it
        return get_response(request)

    return middleware


def unused(get_response: GetResponse) -> GetResponse:
    raise MiddlewareNotUsed("there is only one site")


def unused_without_a_word(get_response: GetResponse) -> GetResponse:
    raise MiddlewareNotUsed


def answering_with_a_file(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        return FileResponse(Path(__file__).open("rb"), filename="a.py", as_attachment=True)

    return middleware


@async_only_middleware
def asking_twice(get_response: Any) -> Any:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        await get_response(request)
        return await get_response(request)

    return middleware


def ending_the_process(get_response: GetResponse) -> GetResponse:
    """As a view that calls sys.exit()."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        raise SystemExit("a secret")

    return middleware


app = FastAPI()


@app.get("/sites/url/")
def url(request: DjangoRequest) -> dict[str, Any]:
    return {"url": reverse("of-one-site"), "urlconf": request.urlconf.__name__}


@pytest.fixture
def site(gateway: Callable[..., Gateway], settings: Any) -> Callable[..., Gateway]:
    def build(*middleware: str) -> Gateway:
        settings.MIDDLEWARE = [f"{__name__}.{name}" for name in middleware]
        legacy = {"settings": "legacy.settings", "threads": 2, "static": False}
        services = {"sites": {"app": f"{__name__}:app"}}
        routes = [{"name": "sites", "prefix": "/sites", "service": "sites"}]
        return gateway(legacy=legacy, services=services, routes=routes)

    return build


async def test_urls_are_those_of_the_urlconf_that_a_middleware_has_chosen(site):
    async with running(site("choosing")) as served:
        found = await ask(served, "/sites/url/")
    assert (found.status, found.json()) == (200, {"url": "/of-one-site/", "urlconf": "OwnUrls"})


async def test_a_file_that_a_middleware_answers_with_is_sent_whole(site):
    async with running(site("answering_with_a_file")) as served:
        found = await ask(served, "/sites/url/")
    assert (found.status, found.body) == (200, SOURCE)
    assert found["content-disposition"] == 'attachment; filename="a.py"'


async def test_asynchronous_middleware_that_asks_twice_is_djangos_500(site, caplog):
    async with running(site("asking_twice")) as served:
        assert (await ask(served, "/sites/url/")).status == 500
        assert "a middleware has called get_response twice" in caplog.text
        assert (await ask(served, "/sites/url/")).status == 500  # and the next one is served as well


async def test_middleware_that_exits_ends_its_request_and_no_more(site):
    async with running(site("ending_the_process")) as served:
        for _ in range(2):
            found = await ask(served, "/sites/url/")
            assert found.status >= 500
            assert "secret" not in found.text


async def test_middleware_that_says_it_is_not_used_is_left_out_and_said(site):
    built = site("unused", "choosing", "unused_without_a_word")
    async with running(built) as served:
        assert (await ask(served, "/sites/url/")).status == 200
    said = "\n".join(middleware_lines(built))
    assert "there is only one site" in said
    assert "it says it is not used" in said


async def test_what_runs_around_a_service_is_counted_beside_what_does_not(site):
    built = site("unused", "asking_twice")
    async with running(built):
        (line,) = middleware_lines(built)
    assert "1 of 2 applied; dropped: " in line
    assert "unused (" in line
