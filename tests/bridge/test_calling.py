"""Endpoints that hand their request on: to the project's own view, or to what DRF has around it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.http import require_GET
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from gateway import Gateway
from gateway.bridge import DjangoRequest, csrf_exempt, django_view
from gateway.bridge.django_json import DjangoRoute
from gateway.bridge.drf import DRFRoute, lift
from gateway.bridge.drf.credentials import drf
from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio
JSON = {"Content-Type": "application/json"}


@require_GET
def of_the_project(request: HttpRequest, number: int) -> HttpResponse:
    match = request.resolver_match
    return JsonResponse({"number": number, "name": match and match.view_name}, headers={"X-View": "1"})


class Wrong(APIView):
    """Its method returns no response."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Any) -> HttpResponseBase:
        return {"no": "response"}  # type: ignore[return-value] # that is what is wrong


urls = ModuleType("tests_bridge_calling_urls")
urls.urlpatterns = [  # type: ignore[attr-defined] # as Django reads it
    path("c/view/<int:number>/", of_the_project, name="of-the-project"),
    path("c/wrong/", Wrong.as_view()),
]
sys.modules[urls.__name__] = urls


# -- with answers = "django" ----------------------------------------------------------------------

by_django = APIRouter(route_class=DjangoRoute)


@by_django.get("/c/view/{number}/")
@by_django.post("/c/view/{number}/")
@csrf_exempt
def handed_on(number: int, request: DjangoRequest) -> HttpResponse:
    return django_view(request)


@by_django.get("/c/nowhere/")
def nowhere(request: DjangoRequest) -> HttpResponse:
    return django_view(request)


# -- with answers = "drf" -------------------------------------------------------------------------


class Thing(BaseModel):
    name: str


class Made(Thing):
    number: int


class Other(BaseModel):
    kind: str


by_drf = APIRouter(route_class=DRFRoute, dependencies=[Depends(drf(permissions=[AllowAny], authentication=[]))])


@by_drf.post("/c/things/")
def make(thing: Thing) -> Made:
    return Made(name=thing.name, number=1)


@by_drf.post("/c/numbers/")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@by_drf.post("/c/either/")
def either(thing: Thing) -> Made | Other:
    return Other(kind=thing.name)


@by_drf.post("/c/twice/")
async def twice(thing: Annotated[dict[str, Any], Body()], request: Request) -> Any:
    return [thing, await request.json()]


@by_drf.get("/c/unchanged/")
async def unchanged() -> None:
    raise HTTPException(304)


django_app, drf_app = FastAPI(), FastAPI()
django_app.include_router(by_django)
drf_app.include_router(by_drf)
drf_app.include_router(lift(Wrong, urlconf=urls.__name__))


def sent(value: Any) -> dict[str, Any]:
    """A request's method, body and headers."""
    body = json.dumps(value).encode()
    return {"method": "POST", "body": body, "headers": JSON | {"Content-Length": str(len(body))}}


@pytest.fixture
def serving(gateway: Callable[..., Gateway], settings: Any) -> Callable[[str], Gateway]:
    def build(answers: str) -> Gateway:
        settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
        settings.ROOT_URLCONF = urls.__name__
        legacy = {"settings": "legacy.settings", "threads": 2, "static": False}
        services = {"c": {"app": f"{__name__}:{answers}_app", "answers": answers}}
        routes = [{"name": "c", "prefix": "/c", "service": "c", "fallback": False}]
        return gateway(legacy=legacy, services=services, routes=routes)

    return build


async def test_the_view_that_the_urlconf_has_is_called_with_its_arguments_and_decorators(serving):
    async with running(serving("django")) as app:
        found, refused = await ask(app, "/c/view/7/"), await ask(app, "/c/view/7/", "POST")
        missing = await ask(app, "/c/nowhere/")
    assert (found.status, found.json()) == (200, {"number": 7, "name": "of-the-project"})
    assert (found["x-view"], found["x-served-by"]) == ("1", "c")
    assert refused.status == 405
    assert missing.status == 404


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        ("/c/things/", {"name": False, "number": True}),  # which are read-only
        ("/c/either/", {"name": False}),
        ("/c/numbers/", {}),
    ],
)
async def test_options_describe_what_can_be_sent(serving, url, fields):
    async with running(serving("drf")) as app:
        found = (await ask(app, url, "OPTIONS")).json()
    described = found.get("actions", {}).get("POST", {})
    assert {name: field["read_only"] for name, field in described.items()} == fields


async def test_a_body_that_the_endpoint_reads_again_is_what_was_sent(serving):
    async with running(serving("drf")) as app:
        found = await ask(app, "/c/twice/", **sent({"name": "one"}))
    assert found.json() == [{"name": "one"}, {"name": "one"}]


async def test_a_list_of_numbers_is_read_by_the_field_for_it(serving):
    async with running(serving("drf")) as app:
        found = await ask(app, "/c/numbers/", **sent([1, 2]))
        wrong = await ask(app, "/c/numbers/", **sent(["x"]))
    assert (found.status, found.json()) == (200, 3)
    assert (wrong.status, wrong.json()["errors"]) == (400, {"0": ["A valid integer is required."]})


async def test_a_status_that_is_no_error_is_no_error_of_drfs(serving):
    async with running(serving("drf")) as app:
        assert (await ask(app, "/c/unchanged/")).status == 304


async def test_a_lifted_method_that_returns_no_response_fails_as_it_did(serving, caplog):
    async with running(serving("drf")) as app:
        assert (await ask(app, "/c/wrong/")).status == 500
    assert "Wrong.get returned <class 'dict'>, and not a response" in caplog.text
