"""What middleware may do to a request before a service gets it, as before a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from fastapi import FastAPI

from gateway import Gateway
from gateway.bridge import DjangoRequest
from gateway.workbench.describe import middleware_lines
from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio
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


async def test_middleware_that_says_it_is_not_used_is_left_out_and_said(site):
    built = site("unused", "choosing", "unused_without_a_word")
    async with running(built) as served:
        assert (await ask(served, "/sites/url/")).status == 200
    said = "\n".join(middleware_lines(built))
    assert "there is only one site" in said
    assert "it says it is not used" in said
