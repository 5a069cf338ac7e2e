"""A mirror reads its caller's session, and stores nothing there: the caller may be writing to it by then."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore

from tests.support.asgi import ask, running, until

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.long]
BRIDGED = {"app": "tests.project.bridged:app"}
PLAIN = {"app": "tests.project.services:plain", "middleware": "none"}
MIRROR = {"control": 0, "canary": 100, "live": 100}


@pytest.fixture
async def session() -> SessionStore:
    """One with a count in it."""
    store = SessionStore()
    store["count"] = 1
    await store.asave()
    return store


async def mirrored(app, path: str, session: SessionStore) -> dict[str, object]:
    """What is stored in the session once a request for `path` was mirrored."""
    assert (await ask(app, path, headers={"Cookie": f"sessionid={session.session_key}"})).status != 0
    seen = app.counters.take
    assert await until(lambda: seen().mirrors("r").compared + seen().mirrors("r").errors >= 1)
    stored = SessionStore(session.session_key)
    return {name: value async for name, value in _items(stored)}


async def _items(stored: SessionStore):
    for item in await stored.aitems():
        yield item


@pytest.mark.parametrize("path", ["/b/counter/", "/b/counter/async/"])
@pytest.mark.parametrize("every", [False, True])
async def test_a_mirror_in_a_service_stores_no_session(gateway, session, settings, path, every):
    settings.SESSION_SAVE_EVERY_REQUEST = every
    route = {"name": "r", "prefix": "/b", "service": "b", "stage": "shadow", "mirror": MIRROR}
    async with running(gateway(services={"b": BRIDGED}, routes=[route])) as app:
        assert await mirrored(app, path, session) == {"count": 1}


async def test_a_mirror_in_a_service_whose_middleware_is_asynchronous_stores_no_session(gateway, session, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.project.middleware.async_only"]
    route = {"name": "r", "prefix": "/b", "service": "b", "stage": "shadow", "mirror": MIRROR}
    async with running(gateway(services={"b": BRIDGED}, routes=[route])) as app:
        assert await mirrored(app, "/b/counter/", session) == {"count": 1}


async def test_a_mirror_in_legacy_stores_no_session(gateway, session):
    route = {"name": "r", "prefix": "/counter", "service": "p", "stage": "live", "claim": "all", "mirror": MIRROR}
    async with running(gateway(services={"p": PLAIN}, routes=[route])) as app:
        assert await mirrored(app, "/counter/", session) == {"count": 1}


async def test_a_mirror_in_an_asynchronous_view_stores_no_session(gateway, session):
    route = {"name": "r", "prefix": "/async-counter", "service": "p", "stage": "live", "claim": "all", "mirror": MIRROR}
    async with running(gateway(services={"p": PLAIN}, routes=[route])) as app:
        assert await mirrored(app, "/async-counter/", session) == {"count": 1}


async def test_a_mirror_does_not_delete_a_session(gateway, session):
    route = {"name": "r", "prefix": "/log-out", "service": "p", "stage": "live", "claim": "all", "mirror": MIRROR}
    async with running(gateway(services={"p": PLAIN}, routes=[route])) as app:
        assert await mirrored(app, "/log-out/", session) == {"count": 1}


async def test_a_mirror_sees_what_it_has_written_itself(gateway, session):
    """So that its answer is what the caller's would have been."""
    route = {"name": "r", "prefix": "/b", "service": "b", "stage": "canary", "weight": 0, "mirror": MIRROR}
    async with running(gateway(services={"b": BRIDGED}, routes=[route])) as app:
        await mirrored(app, "/b/counter/", session)
        [example] = [group.examples[0] for group in app.difference_log.drain().groups if group.kind == "status"]
        assert (example.expected, example.actual) == ("404", "200")
