"""A service with routes for Django's answers, run by itself: without the gateway there is no view around it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import ResponseValidationError
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from gateway.bridge.django_json import DjangoRoute
from gateway.bridge.drf import DRFRoute
from tests.support.asgi import ask

pytestmark = pytest.mark.anyio


class Price(BaseModel):
    amount: Decimal
    since: date


def price() -> Price:
    return Price(amount=Decimal("1.50"), since=date(2026, 12, 1))


async def data() -> dict[str, Any]:
    return {"amount": "1.50", "since": date(2026, 12, 1)}


def wrong() -> Price:
    return {"amount": "much"}  # type: ignore[return-value] # that is what is wrong


def django() -> HttpResponse:
    return HttpResponse(b"text", status=202)


def plain() -> PlainTextResponse:
    return PlainTextResponse("plain", 203)


def deleted() -> None:
    """No body."""


def item(number: int) -> int:
    if number > 299:
        raise HTTPException(number, "no such item")
    return number


async def sent(request: Request) -> Any:
    return await request.json()


@pytest.fixture(params=[DjangoRoute, DRFRoute])
def app(request: pytest.FixtureRequest) -> FastAPI:
    router = APIRouter(route_class=request.param)
    for endpoint in (price, wrong, django, plain):
        router.get(f"/{endpoint.__name__}/")(endpoint)
    router.get("/data/", response_model=None)(data)
    router.get("/item/{number}/")(item)
    router.post("/sent/")(sent)
    router.delete("/price/", status_code=204)(deleted)
    app = FastAPI()
    app.include_router(router)
    return app


@pytest.mark.parametrize("path", ["/price/", "/data/"])
async def test_json_is_that_of_the_view(app, path):
    found = await ask(app, path)
    assert (found.status, found.json(), found["content-type"]) == (
        200,
        {"amount": "1.50", "since": "2026-12-01"},
        "application/json",
    )


async def test_an_answer_that_is_not_what_was_declared_is_an_error(app):
    with pytest.raises(ResponseValidationError):
        await ask(app, "/wrong/")


async def test_responses_of_ones_own_are_sent_as_they_are(app):
    for path, status, text in (("/django/", 202, "text"), ("/plain/", 203, "plain")):
        found = await ask(app, path)
        assert (found.status, found.text) == (status, text)


async def test_where_there_is_no_body_none_is_sent(app):
    found = await ask(app, "/price/", "DELETE")
    assert (found.status, found.body, found["content-type"]) == (204, b"", None)


async def test_a_body_is_read_as_it_was_sent(app):
    found = await ask(app, "/sent/", "POST", body=b'{"a": [1]}', headers={"Content-Type": "application/json"})
    assert found.json() == {"a": [1]}


@pytest.mark.parametrize(("number", "status"), [("7", 200), ("404", 404), ("304", 304), ("x", 422)])
async def test_errors_are_fastapis(app, number, status):
    found = await ask(app, f"/item/{number}/")
    assert found.status == status
    if status == 404:
        assert found.json() == {"detail": "no such item"}
    if status == 422:
        assert found.json()["detail"][0]["loc"] == ["path", "number"]
