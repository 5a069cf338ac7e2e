"""Who sent a request, as a rollout needs to know it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client
from rest_framework import views as views_of_drf

from gateway.composition import authentication_of_drf
from gateway.legacy.callers import Callers, caller_for
from gateway.legacy.connections import django_threads
from gateway.rollout.cohort import NOBODY_KNOWN, Caller
from gateway.routing.request import read_request
from gateway.routing.table import Match
from tests.support.asgi import ask, running, scope

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.table]


@pytest.fixture
def threads():
    made = django_threads(2, "callers")
    yield made
    made.close()


class BySession(Callers):
    """Asked for the owner of a session."""

    def __init__(self, threads):
        super().__init__(threads, b"sessionid")

    async def of(self, session):
        made = scope("/api/items/", headers=[(b"cookie", b"sessionid=" + session)])
        return await super().of(Match("i", "/api/items/"), read_request(made, "", None), made)


@pytest.fixture
def ada():
    """A user, and the value of her session cookie."""
    user = get_user_model().objects.create_user("ada", password="sesame")
    client = Client()
    client.force_login(user)
    return user, client.cookies["sessionid"].value.encode()


async def test_a_caller_is_who_its_session_says(threads, ada):
    user, session = ada
    assert await BySession(threads).of(session) == Caller(str(user.pk))


async def test_a_caller_has_its_groups_and_is_staff_where_the_project_says_so(threads, ada):
    user, session = ada
    user.is_staff = True
    await user.asave()
    await user.groups.aadd(await Group.objects.acreate(name="beta"))
    assert await BySession(threads).of(session) == Caller(str(user.pk), staff=True, groups=frozenset({"beta"}))


async def test_who_is_not_logged_in_is_nobody(threads):
    assert await BySession(threads).of(b"no such session") == NOBODY_KNOWN
    store = SessionStore()
    await store.asave()
    assert await BySession(threads).of(store.session_key.encode()) == NOBODY_KNOWN


async def test_nobody_can_be_asked_once_the_threads_are_gone(threads, ada):
    threads.close()
    assert await BySession(threads).of(ada[1]) is None


def test_a_thread_outlives_the_event_loop_that_asked_it(threads, ada):
    gate = threading.Event()
    threads.submit(gate.wait)
    threads.submit(gate.wait)

    async def leave() -> None:
        asking = asyncio.ensure_future(BySession(threads).of(ada[1]))
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
    assert await BySession(threads).of(session) == NOBODY_KNOWN


@pytest.mark.parametrize("active", [True, False])
def test_who_is_inactive_is_no_staff_even_where_a_backend_lets_them_in(active):
    user = SimpleNamespace(is_authenticated=True, pk=7, is_active=active, is_staff=True, is_superuser=True)
    assert caller_for(user) == Caller("7", staff=active, superuser=active)


async def test_a_caller_is_asked_for_once_in_a_while(threads, ada):
    _, session = ada
    callers = BySession(threads)
    first = await callers.of(session)
    await get_user_model().objects.all().adelete()
    assert await callers.of(session) == first


async def test_what_was_found_is_forgotten_after_a_while(threads, ada, monkeypatch):
    _, session = ada
    monkeypatch.setattr(Callers, "SECONDS", 0.0)
    callers = BySession(threads)
    await callers.of(session)
    await get_user_model().objects.all().adelete()
    assert await callers.of(session) == NOBODY_KNOWN


async def test_a_database_that_can_not_be_asked_leaves_it_open(threads, ada, monkeypatch, caplog):
    _, session = ada
    monkeypatch.setattr("gateway.legacy.callers._caller_of", lambda *_: 1 / 0)
    callers = BySession(threads)
    assert await callers.of(session) is None
    monkeypatch.undo()
    assert await callers.of(session) is not None  # it is not remembered


async def test_callers_can_not_fill_the_memory(threads, monkeypatch):
    monkeypatch.setattr("gateway.legacy.callers.MOST", 5)
    callers = BySession(threads)
    for number in range(20):
        await callers.of(f"made up {number}".encode())
    assert len(callers._known) <= 5


async def test_no_secret_is_kept_however_long_it_is(threads):
    callers = BySession(threads)
    assert await callers.of(b"x" * 5000) == NOBODY_KNOWN
    assert [len(key) for key in callers._known] == [20]


async def test_who_shows_nothing_is_nobody_and_nobody_is_asked(threads):
    threads.close()
    made = scope("/api/items/", headers={"Cookie": "theme=dark"})
    assert await Callers(threads, b"sessionid").of(Match("i"), read_request(made, "", None), made) == NOBODY_KNOWN


async def test_a_session_signed_with_an_older_key_stays_as_it_is(threads, ada, settings):
    """Django would give it another key, of which its owner would not hear here: she would be logged out."""
    user, session = ada
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a newer one", [settings.SECRET_KEY]
    assert await BySession(threads).of(session) == Caller(str(user.pk))
    assert await SessionStore().aexists(session.decode())


async def test_a_session_that_is_no_longer_good_is_not_deleted(threads, ada):
    user, session = ada
    user.set_password("another")
    await user.asave()
    assert await BySession(threads).of(session) == NOBODY_KNOWN
    assert await SessionStore().aexists(session.decode())


async def test_without_users_everybody_is_nobody(threads, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.auth"]
    callers = BySession(threads)
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


def test_drf_is_not_loaded_before_a_caller_is_to_be_found():
    """In a process of its own, where no test has loaded it."""
    script = (
        "import sys; from gateway import Gateway\n"
        "Gateway({'legacy': {'settings': 'legacy.settings'}})\n"
        "print('rest_framework.views' in sys.modules, 'fastapi' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "False"]


def test_a_project_without_drf_has_sessions_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, "rest_framework.views", raising=False)
    assert authentication_of_drf() is None


def test_nor_does_one_count_that_is_too_old(monkeypatch, ada):
    assert views_of_drf.__name__ in sys.modules
    monkeypatch.setitem(sys.modules, "gateway.bridge.drf.callers", None)
    request = HttpRequest()
    request.user, _ = ada
    assert authentication_of_drf()(request, None).user() == ada[0]
