"""Answers of an ASGI application that begin in a transaction, and those that nobody ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group

from gateway import Gateway
from gateway.bridge import atomic
from tests.support.asgi import ask, running

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def part(text: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text, "more_body": more}


async def ends_within(send: Any) -> None:
    """Its transaction ends in the middle of the answer."""
    async with atomic():
        await Group.objects.acreate(name="one")
        await send(START)
        await send(part(b"one "))
        await send(part(b"two "))
    await send(part(b"three "))
    await send(part(b"four ", more=True))
    await send(part(b"five", more=False))


async def never_ends(send: Any) -> None:
    """It returns without the end of its answer."""
    async with atomic():
        await Group.objects.acreate(name="one")
        await send(START)
        await send(part(b"one "))


async def fails_after(send: Any) -> None:
    """It raises once it has answered."""
    await send(START)
    await send(part(b"whole", more=False))
    raise RuntimeError("a secret")


async def speaks_first(send: Any) -> None:
    """It sends a body before the status."""
    await send(part(b"whole", more=False))


async def other_messages(send: Any) -> None:
    """It sends what no server knows."""
    await send(START)
    await send({"type": "http.response.unknown"})
    await send(part(b"whole", more=False))
    await send(part(b"and more", more=False))


WAYS = {way.__name__: way for way in (ends_within, never_ends, fails_after, speaks_first, other_messages)}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await WAYS[scope["path"].strip("/").partition("/")[2]](send)


@pytest.fixture
def site(gateway: Callable[..., Gateway], settings: Any) -> Gateway:
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
    legacy = {"settings": "legacy.settings", "threads": 2, "static": False}
    services = {"raw": {"app": f"{__name__}:app"}}
    routes = [{"name": "raw", "prefix": "/raw", "service": "raw", "claim": "all", "fallback": False}]
    return gateway(legacy=legacy, services=services, routes=routes)


@pytest.mark.parametrize("memory", [2621440, 2], ids=["in memory", "on disk"])
async def test_what_was_held_back_comes_before_what_follows_the_transaction(site, settings, memory):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = memory
    async with running(site) as served:
        found = await ask(served, "/raw/ends_within")
    assert (found.status, found.text, found.complete) == (200, "one two three four five", True)
    assert found["x-content-type-options"] == "nosniff"
    assert await Group.objects.filter(name="one").aexists()


async def test_an_answer_that_nobody_ends_is_djangos_500_while_it_was_held_back(site):
    async with running(site) as served:
        found = await ask(served, "/raw/never_ends")
    assert (found.status, "one" in found.text) == (500, False)


async def test_what_is_raised_after_an_answer_is_logged_and_no_second_one(site, caplog):
    async with running(site) as served:
        found = await ask(served, "/raw/fails_after")
    assert [message["type"] for message in found.messages] == ["http.response.start", "http.response.body"]
    assert (found.status, found.text) == (200, "whole")
    assert "a secret" in caplog.text


async def test_an_answer_without_a_status_is_djangos_500(site):
    async with running(site) as served:
        assert (await ask(served, "/raw/speaks_first")).status == 500


async def test_what_no_server_knows_and_what_follows_the_end_is_left_out(site):
    async with running(site) as served:
        found = await ask(served, "/raw/other_messages")
    assert (found.status, found.text) == (200, "whole")
