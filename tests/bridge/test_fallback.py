"""What an endpoint raises inside of the project's middleware, and whether its service has failed."""

from __future__ import annotations

import pytest

from tests.support.asgi import ask, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def live(gateway):
    """Build a gateway whose service's first failure opens its breaker; keyword arguments are more keys of it."""

    def build(prefix, **service):
        route = {"name": "r", "prefix": prefix, "service": "s", "stage": "live"}
        return gateway(services={"s": {"breaker": {"minimum": 1}} | service}, routes=[route])

    return build


async def test_an_exception_that_django_answers_with_less_than_500_is_no_failure(live):
    """Http404 and its like are answers; anybody can ask for what is not there."""
    async with running(live("/b", app="tests.project.bridged:app")) as app:
        found = await ask(app, "/b/404/")
        assert (found.status, found["x-served-by"]) == (404, "s")
        assert (app.counters.take().side("r", "service").errors, app.breakers["s"].openings) == (0, 0)


async def test_one_that_django_answers_with_500_is(live):
    async with running(live("/b", app="tests.project.bridged:app")) as app:
        await ask(app, "/b/raises/")
        assert (app.counters.take().side("r", "service").errors, app.breakers["s"].openings) == (1, 1)


@pytest.mark.parametrize("first", [[], ["tests.project.middleware.async_only"]], ids=["sync chain", "async chain"])
async def test_legacy_is_asked_without_what_the_service_has_activated(live, settings, first):
    settings.MIDDLEWARE = [*first, *settings.MIDDLEWARE]
    async with running(live("/locale/", app="tests.project.bridged:app")) as app:
        found = await ask(app, "/locale/?id=1")
    assert (found.status, found["x-served-by"]) == (200, "legacy")
    assert (found.json()["language"], found.json()["zone"]) == ("en", "Europe/Athens")
