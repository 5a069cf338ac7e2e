"""Each request is counted by the endpoint that answered it, whether or not a route claims it."""

from __future__ import annotations

import pytest

from gateway.observability.observe import kind_of
from gateway.stats.traffic import NO_VIEW, STATIC, Traffic
from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio
ITEMS = {"app": "tests.project.services:items", "middleware": "none"}
ROUTES = [{"name": "items", "prefix": "/api", "service": "items"}]


@pytest.fixture
async def app(gateway):
    made = gateway(services={"items": ITEMS}, routes=ROUTES)
    made.counters.traffic = Traffic()  # as where gateway.control stores it
    async with running(made) as app:
        yield app


@pytest.mark.parametrize(
    ("method", "target", "key"),
    [
        ("GET", "/json/", ("legacy", "GET", "json/")),
        ("HEAD", "/json/", ("legacy", "HEAD", "json/")),
        ("GET", "/nothing/", ("legacy", "GET", NO_VIEW)),
        ("GET", "/api/items/7/", ("items", "GET", "/api/items/{number:int}/")),
        ("GET", "/api/old/", ("legacy", "GET", "api/old/")),
        ("PURGE", "/json/", ("legacy", "OTHER", "json/")),
    ],
)
async def test_a_request_is_counted_where_it_was_answered(app, method, target, key):
    await ask(app, target, method)

    assert {key: tally.requests for key, tally in app.counters.traffic.items()} == {key: 1}


async def test_bytes_latency_and_names_of_parameters_are_counted(app):
    found = [await ask(app, f"/json/?page={page}") for page in (1, 2)]
    tally = app.counters.traffic["legacy", "GET", "json/"]
    tally.note_names()

    assert tally.size == sum(len(one.body) for one in found)
    assert sum(tally.counts) == 2
    assert (tally.names, tally.errors) == ({"page"}, 0)


async def test_an_asynchronous_view_is_counted_by_its_pattern(app):
    await ask(app, "/async/json/")

    assert [*app.counters.traffic] == [("legacy", "GET", "async/json/")]


async def test_an_error_is_counted(app):
    await ask(app, "/raises/")

    assert app.counters.traffic["legacy", "GET", "raises/"].errors == 1


async def test_a_static_file_is_counted_as_one(gateway):
    async with running(gateway(legacy={"static": True})) as app:
        app.counters.traffic = Traffic()
        await ask(app, "/static/admin/css/base.css")

    assert [*app.counters.traffic] == [("legacy", "GET", STATIC)]


async def test_nothing_is_counted_where_nobody_stores_it(gateway):
    async with running(gateway()) as app:
        app.counters.traffic = None
        found = await ask(app, "/json/")

    assert found.status == 200


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("service 'items' answered 503", "service 'items' answered 503"),
        ("service 'items' failed: ValueError: ada@example.com: no", "service 'items' failed: ValueError"),
        ("the project's middleware around service 'items' failed: 500",) * 2,
    ],
)
def test_what_an_exception_says_is_in_no_count(reason, kind):
    assert kind_of(reason) == kind
