"""Who sent a request, as a rollout needs to know it."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from gateway.rollout.cohort import NOBODY_KNOWN, Caller
from gateway.upstreams.callers import Callers
from gateway.upstreams.connections import django_threads
from tests.support.asgi import ask, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def threads():
    made = django_threads(2, "callers")
    yield made
    made.close()


@pytest.fixture
def ada():
    """A user, and the value of her session cookie."""
    user = get_user_model().objects.create_user("ada", password="sesame")
    client = Client()
    client.force_login(user)
    return user, client.cookies["sessionid"].value.encode()


async def test_a_caller_is_who_its_session_says(threads, ada):
    user, session = ada
    assert await Callers(threads).of(session) == Caller(str(user.pk))


async def test_a_caller_has_its_groups_and_is_staff_where_the_project_says_so(threads, ada):
    user, session = ada
    user.is_staff = True
    await user.asave()
    await user.groups.aadd(await Group.objects.acreate(name="beta"))
    assert await Callers(threads).of(session) == Caller(str(user.pk), staff=True, groups=frozenset({"beta"}))


async def test_who_is_not_logged_in_is_nobody(threads):
    assert await Callers(threads).of(b"no such session") == NOBODY_KNOWN
    store = SessionStore()
    await store.asave()
    assert await Callers(threads).of(store.session_key.encode()) == NOBODY_KNOWN


async def test_nobody_can_be_asked_once_the_threads_are_gone(threads, ada):
    threads.close()
    assert await Callers(threads).of(ada[1]) is None


def test_a_thread_outlives_the_event_loop_that_asked_it(threads, ada):
    gate = threading.Event()
    threads.submit(gate.wait)
    threads.submit(gate.wait)

    async def leave() -> None:
        asking = asyncio.ensure_future(Callers(threads).of(ada[1]))
        await asyncio.sleep(0)
        asking.cancel()

    asyncio.run(leave())
    gate.set()
    after = threading.Event()
    threads.submit(after.set)
    threads.submit(after.set)
    assert after.wait(20)


async def test_who_is_inactive_is_nobody(threads, ada):
    user, session = ada
    user.is_active = False
    await user.asave()
    assert await Callers(threads).of(session) == NOBODY_KNOWN


async def test_a_caller_is_asked_for_once_in_a_while(threads, ada):
    _, session = ada
    callers = Callers(threads)
    first = await callers.of(session)
    await get_user_model().objects.all().adelete()
    assert await callers.of(session) == first


async def test_what_was_found_is_forgotten_after_a_while(threads, ada, monkeypatch):
    _, session = ada
    monkeypatch.setattr(Callers, "SECONDS", 0.0)
    callers = Callers(threads)
    await callers.of(session)
    await get_user_model().objects.all().adelete()
    assert await callers.of(session) == NOBODY_KNOWN


async def test_a_database_that_can_not_be_asked_leaves_it_open(threads, ada, monkeypatch, caplog):
    _, session = ada
    monkeypatch.setattr("gateway.upstreams.callers._caller_of", lambda _: 1 / 0)
    callers = Callers(threads)
    assert await callers.of(session) is None
    monkeypatch.undo()
    assert await callers.of(session) is not None  # it is not remembered


async def test_callers_can_not_fill_the_memory(threads, monkeypatch):
    monkeypatch.setattr("gateway.upstreams.callers.MOST", 5)
    callers = Callers(threads)
    for number in range(20):
        await callers.of(f"made up {number}".encode())
    assert len(callers._known) <= 5


async def test_what_no_browser_sends_is_not_remembered(threads):
    callers = Callers(threads)
    assert await callers.of(b"x" * 5000) == NOBODY_KNOWN
    assert callers._known == {}


async def test_a_session_signed_with_an_older_key_stays_as_it_is(threads, ada, settings):
    """Django would give it another key, of which its owner would not hear here: she would be logged out."""
    user, session = ada
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a newer one", [settings.SECRET_KEY]
    assert await Callers(threads).of(session) == Caller(str(user.pk))
    assert await SessionStore().aexists(session.decode())


async def test_a_session_that_is_no_longer_good_is_not_deleted(threads, ada):
    user, session = ada
    user.set_password("another")
    await user.asave()
    assert await Callers(threads).of(session) == NOBODY_KNOWN
    assert await SessionStore().aexists(session.decode())


async def test_without_users_everybody_is_nobody(threads, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.auth"]
    callers = Callers(threads)
    assert await callers.of(b"any") == NOBODY_KNOWN


async def test_staff_see_the_service_of_a_canary_before_anybody_else(gateway, ada):
    user, session = ada
    user.is_staff = True
    await user.asave()
    route = {"name": "i", "prefix": "/api", "service": "items", "stage": "canary", "weight": 0, "always": ["staff"]}
    services = {"items": {"app": "tests.project.services:items", "middleware": "none"}}
    async with running(gateway(services=services, routes=[route])) as app:
        seen = await ask(app, "/api/items/", headers={"Cookie": f"sessionid={session.decode()}"})
        unseen = await ask(app, "/api/items/")
        assert (seen["x-served-by"], unseen["x-served-by"]) == ("items", "legacy")
