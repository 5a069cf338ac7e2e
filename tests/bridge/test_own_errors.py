"""A service's own page for errors: what it answers to its exceptions, unless a middleware answers instead."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core import signals
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import async_only_middleware
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from gateway import Gateway
from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio

app = FastAPI()


@app.exception_handler(Exception)
async def own_page(request: Request, exc: Exception) -> JSONResponse:
    return JSONResponse({"error": "ours"}, 500, headers={"X-Own": "1"})


@app.get("/own/raises/")
async def raises() -> None:
    raise RuntimeError("a secret")


@app.get("/own/raises/sync/")
def raises_sync() -> None:
    raise RuntimeError("a secret")


class Answering:
    """A middleware that answers to exceptions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return HttpResponse(f"the middleware's: {type(exception).__name__}", status=503)


class Broken(Answering):
    """One that fails itself."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        raise LookupError("in the middleware")


@pytest.fixture
def site(gateway: Callable[..., Gateway], settings: Any) -> Callable[..., Gateway]:
    def build(*middleware: str) -> Gateway:
        settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", *middleware]
        legacy = {"settings": "legacy.settings", "threads": 2, "static": False}
        services = {"own": {"app": f"{__name__}:app"}}
        routes = [{"name": "own", "prefix": "/own", "service": "own", "fallback": False}]
        return gateway(legacy=legacy, services=services, routes=routes)

    return build


@async_only_middleware
def asynchronous(get_response: Any) -> Any:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return await get_response(request)

    return middleware


@pytest.mark.parametrize("middleware", [(), (f"{__name__}.asynchronous",)], ids=["synchronous", "asynchronous"])
@pytest.mark.parametrize("path", ["/own/raises/", "/own/raises/sync/"])
async def test_the_services_own_page_is_sent_through_the_middleware(site, path, middleware):
    async with running(site(*middleware)) as served:
        found = await ask(served, path)
    assert (found.status, found.json(), found["x-own"]) == (500, {"error": "ours"}, "1")
    assert found["x-content-type-options"] == "nosniff"


async def test_the_exception_is_logged_and_told_as_one_of_a_view(site, caplog):
    told: list[str] = []

    def tell(sender: object, request: HttpRequest, **_: object) -> None:
        told.append(request.path)

    signals.got_request_exception.connect(tell)
    try:
        with caplog.at_level(logging.ERROR):
            async with running(site()) as served:
                await ask(served, "/own/raises/")
    finally:
        signals.got_request_exception.disconnect(tell)
    assert told == ["/own/raises/"]
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("gateway.bridge", "GET /own/raises/: the service failed"),
        ("django.request", "Internal Server Error: /own/raises/"),  # Django's, of any response of this status
    ]
    assert "a secret" in caplog.text


async def test_a_middleware_that_answers_goes_before_it(site):
    async with running(site(f"{__name__}.Answering")) as served:
        found = await ask(served, "/own/raises/")
    assert (found.status, found.text) == (503, "the middleware's: RuntimeError")


async def test_a_middleware_that_fails_then_is_djangos_500(site):
    async with running(site(f"{__name__}.Broken")) as served:
        found = await ask(served, "/own/raises/")
    assert (found.status, "ours" in found.text, "secret" in found.text) == (500, False, False)
