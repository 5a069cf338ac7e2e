"""The project's paginators make the pages of FastAPI endpoints: the same data, links and errors."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from legacy import settings as shop_settings
from legacy.shop.models import Category, Product
from tests.project import listed
from tests.support.asgi import ask, running
from tests.support.parity import same

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]

NAMES = ["alpha", "beta", "delta", "epsilon", "eta", "gamma", "iota", "zeta"]


@pytest.fixture(autouse=True)
def _lists(settings, project, db):
    settings.ROOT_URLCONF = "tests.project.listed"
    Group.objects.bulk_create(Group(name=name) for name in reversed(NAMES))


@pytest.fixture
async def moved(gateway):
    services = {"listed": {"app": "tests.project.listed:app"}}
    routes = [{"name": name, "prefix": prefix, "service": "listed"} for name, prefix in (("l", "/l"), ("p", "/api"))]
    async with running(gateway(services=services, routes=routes)) as app:
        yield app


@pytest.fixture
async def old(gateway):
    async with running(gateway()) as app:
        yield app


def names(answer):
    return [group["name"] for group in answer.json()["results"]]


@pytest.mark.parametrize(
    "query",
    [
        "", "page=1", "page=2", "page=3", "page=last", "page=2&size=2", "size=500", "size=0", "size=-1", "size=x",
        "page=2&other=%C3%A9%26&other=2", "page=", "page=2&page=3",
    ],
)  # fmt: skip
@pytest.mark.parametrize("paginator", ["pages", "links", "default"])
async def test_numbered_pages(old, moved, paginator, query):
    assert (await same(old, moved, f"/l/pages/{paginator}/?{query}")).status in (200, 206, 404)


@pytest.mark.parametrize("query", ["page=4", "page=0", "page=-1", "page=x", "page=1.0", "page=%00", "page=9" * 9])
async def test_a_page_that_is_not_there(old, moved, query):
    answer = await same(old, moved, f"/l/pages/pages/?{query}")
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        "", "limit=2", "limit=2&offset=2", "offset=7", "offset=100", "limit=500", "limit=0", "limit=-1", "limit=x",
        "offset=-1", "offset=x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("paginator", ["limits", "unless"])
async def test_limit_and_offset(old, moved, paginator, query):
    assert (await same(old, moved, f"/l/pages/{paginator}/?{query}")).status == 200


async def test_cursors_lead_from_page_to_page_and_back(old, moved):
    target, seen = "/l/pages/cursors/?size=2", []
    while target is not None:
        page = await same(old, moved, target)
        seen += names(page)
        target = page.json()["next"] and page.json()["next"].removeprefix("http://testserver")
    assert seen == NAMES
    back = await same(old, moved, page.json()["previous"].removeprefix("http://testserver"))
    assert names(back) == NAMES[-4:-2]


@pytest.mark.parametrize("cursor", ["nonsense", "cD1hbHBoYQ==", "", "%00"])
async def test_any_cursor(old, moved, cursor):
    assert (await same(old, moved, f"/l/pages/cursors/?cursor={cursor}")).status in (200, 404)


async def test_what_a_paginator_says_in_headers(old, moved):
    answer = await same(old, moved, "/l/pages/links/?page=2")
    assert answer["link"] == (
        '<http://testserver/l/pages/links/?page=3>; rel="next", <http://testserver/l/pages/links/>; rel="prev"'
    )
    assert (answer.status, answer["x-total-count"]) == (206, "8")


async def test_links_have_the_host_and_scheme_of_the_request(old, moved):
    answer = await same(old, moved, "/l/pages/pages/", headers={"Host": "localhost:8443"}, scheme="https")
    assert answer.json()["next"] == "https://localhost:8443/l/pages/pages/?page=2"


@pytest.mark.parametrize("kind", ["sync", "pydantic"])
@pytest.mark.parametrize("query", ["", "page=2", "page=9"])
async def test_other_ways_to_serialise(old, moved, kind, query):
    await same(old, moved, f"/l/pages/{kind}/?{query}")


async def test_no_credentials_are_needed(moved):
    answer = await ask(moved, "/l/alone/?page=2&search=eta")
    assert (answer.status, answer.json()["code"]) == (404, "not_found")
    assert (await ask(moved, "/l/alone/?search=eta")).json()["results"] == ["beta", "eta", "zeta"]


# -- the shop's own list -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "", "page=2", "page=3", "page_size=2&page=2", "search=atlas&ordering=-price", "category=maps", "in_stock=true",
        "price_min=3&price_max=4.50", "price_min=cheap", "ordering=nonsense", "search=%00", "page_size=1000",
    ],
)  # fmt: skip
async def test_the_shops_list_of_products(old_shop, moved, query):
    assert (await same(old_shop, moved, f"/api/products/?{query}")).status in (200, 400, 404)


@pytest.fixture
async def old_shop(settings, shelf, moved, gateway):
    async with running(gateway()) as app:
        yield app


@pytest.fixture
def shelf(settings, _lists):
    settings.ROOT_URLCONF = "legacy.urls"
    settings.MIDDLEWARE = shop_settings.MIDDLEWARE
    maps = Category.objects.create(name="Maps", slug="maps")
    books = Category.objects.create(name="Books", slug="books")
    for number in range(25):
        Product.objects.create(
            category=books if number % 3 else maps,
            name=f"Atlas {number}" if number % 2 else f"Book {number}",
            sku=f"T-{number}",
            slug=f"product-{number}",
            price=f"{number}.50",
            stock=number % 4,
        )


# -- the documentation ---------------------------------------------------------------------------


def described(path):
    parameters = listed.app.openapi()["paths"][path]["get"].get("parameters", [])
    assert {(parameter["in"], parameter["required"]) for parameter in parameters} <= {("query", False)}
    return {parameter["name"]: parameter["schema"]["type"] for parameter in parameters}


@pytest.mark.parametrize(
    ("paginator", "parameters"),
    [
        ("pages", {"page": "integer", "size": "integer"}),
        ("limits", {"limit": "integer", "offset": "integer"}),
        ("cursors", {"cursor": "string", "size": "integer"}),
        ("default", {"page": "integer", "page_size": "integer"}),
    ],
)
def test_the_documentation_shows_the_parameters(paginator, parameters):
    assert described(f"/l/pages/{paginator}/") == parameters
