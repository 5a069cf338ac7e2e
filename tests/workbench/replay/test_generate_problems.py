"""What of an API document no requests can be made of is said, and keeps nothing else from being asked."""

from __future__ import annotations

import json
import re
import sys
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from model_bakery import baker
from pydantic import BaseModel, Field

from gateway import Gateway
from gateway.workbench.replay.generate import NoGenerator, generate
from gateway.workbench.replay.generation import Generation
from legacy.shop.models import Category, Product

app = FastAPI()


class AsRestFramework(BaseModel):
    """With `\\Z` as Django REST framework writes it for engines other than Python's."""

    name: Annotated[str, Field(json_schema_extra={"pattern": r"^[a-c]+\z"})]


class AsNobody(BaseModel):
    """With a regular expression that Python does not know."""

    name: Annotated[str, Field(json_schema_extra={"pattern": r"(?<=a+)b"})]


@app.post("/made/known/")
def known(body: AsRestFramework) -> None:
    """Take a body."""


@app.get("/made/nothing/")
def nothing() -> None:
    """Take nothing."""


@app.post("/made/unknown/")
def unknown(body: AsNobody) -> None:
    """Take a body."""


class Choice(BaseModel):
    """Names rows as Django's forms and serializers do."""

    category_id: int
    product_ids: Annotated[list[int], Field(min_length=1)]
    note: str
    more: dict[str, int]


rows = FastAPI()


@rows.post("/rows/{product_id}/")
def choose(product_id: int, choice: Choice) -> None:
    """Take a body that names rows."""


@rows.post("/elsewhere/")
def unclaimed() -> None:
    """No route claims this."""


@pytest.fixture(scope="module")
def generated() -> Any:
    document = {
        "legacy": {"settings": "legacy.settings"},
        "services": {"made": {"app": f"{__name__}:app"}, "far": {"url": "http://127.0.0.1:9"}},
        "routes": [
            {"name": "made", "prefix": "/made", "service": "made"},
            {"name": "far", "prefix": "/far", "service": "far", "claim": "all"},
        ],
    }
    return generate(Gateway(document), Generation(count=5))


def test_an_operation_that_no_requests_can_be_made_for_is_said_and_asked_what_can_be(generated):
    (case, reason), *others = generated.left_out
    assert (case.endpoint, case.route, others) == ("POST /made/unknown/", "made", [])
    assert "positive requests" in reason
    assert "\n" not in reason
    assert {case.endpoint for case in generated.cases} >= {"POST /made/known/", "POST /made/unknown/"}


def test_what_takes_nothing_is_asked_once(generated):
    """Nothing about it can be invalid."""
    assert [case.path for case in generated.cases if case.endpoint == "GET /made/nothing/"] == ["/made/nothing/"]


def test_of_a_service_at_a_url_no_requests_are_made(generated):
    assert {case.route for case in generated.cases} == {"made"}


def test_without_schemathesis_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    with pytest.raises(NoGenerator, match=re.escape('pip install "django-fastapi-gateway[workbench]"')):
        generate(Gateway({"legacy": {"settings": "legacy.settings"}}), Generation(count=1))


def test_the_end_of_a_text_is_pythons(generated):
    bodies = [case.body for case in generated.cases if case.path == "/made/known/"]
    assert any(re.search(rb'"name": ?"[abc]+"', body) for body in bodies)


@pytest.mark.long
@pytest.mark.django_db
def test_valid_requests_name_rows_that_are_there():
    products = {product.pk for product in baker.make(Product, category=baker.make(Category), _quantity=2)}
    (category,) = Category.objects.values_list("pk", flat=True)
    document = {
        "legacy": {"settings": "legacy.settings"},
        "services": {"rows": {"app": f"{__name__}:rows"}, "asgi": {"app": f"{__name__}:no_document"}},
        "routes": [{"name": "rows", "prefix": "/rows", "service": "rows"}],
    }
    cases = generate(Gateway(document), Generation(count=3)).cases
    assert {case.route for case in cases} == {"rows"}
    read = [json.loads(case.body) for case in cases if case.body.startswith(b'{"category_id"')]
    assert any(found["category_id"] == category and {*found["product_ids"]} <= products for found in read)
    assert {f"/rows/{product}/" for product in products} & {case.path for case in cases}


async def no_document(scope: object, receive: object, send: object) -> None:
    """An application that says nothing of its endpoints."""
