"""Django's site-wide cache in front of a service: who gets what was answered to somebody else."""

from __future__ import annotations

from itertools import count

import pytest
from django.core.cache import cache
from fastapi import FastAPI, Response

from tests.support.asgi import ask, running

pytestmark = pytest.mark.anyio

CACHED = ["django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"]


def build() -> FastAPI:
    app, number = FastAPI(), count()

    @app.get("/b/cookie")
    def cookie(response: Response, vary: str = "") -> int:
        """Gives each caller a cookie of their own."""
        who = next(number)
        response.headers["Set-Cookie"] = f"who={who}; Path=/"
        if vary:
            response.headers["Vary"] = vary
        return who

    @app.get("/b/plain")
    def plain() -> int:
        return next(number)

    return app


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
async def app(bridged):
    async with running(bridged(CACHED, app="tests.bridge.test_cached:build")) as app:
        yield app


async def test_a_callers_own_cookie_is_never_given_to_another(app):
    """UpdateCacheMiddleware keeps no answer that sets cookies, varies by them, and was made for who sent none."""
    first = await ask(app, "/b/cookie?vary=Cookie")
    second = await ask(app, "/b/cookie?vary=Cookie")
    assert (first.body, first["set-cookie"]) == (b"0", "who=0; Path=/")
    assert (second.body, second["set-cookie"]) == (b"1", "who=1; Path=/")


async def test_what_sets_no_cookie_is_cached(app):
    assert [(await ask(app, "/b/plain")).body for _ in range(2)] == [b"0", b"0"]
