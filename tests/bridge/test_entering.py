"""What fails, or is given up, while it is entered: nothing of it is left to the next request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from django.contrib.auth.models import Group
from fastapi import Depends, FastAPI, HTTPException

from gateway import Gateway
from gateway.bridge import atomic
from tests.support.asgi import Connection, ask, running, scope, until

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

app = FastAPI()
entering, enter, left = threading.Event(), threading.Event(), threading.Event()


def refusing() -> Iterator[None]:
    if not enter.is_set():
        raise HTTPException(418, "not yet")
    yield


def slow() -> Iterator[None]:
    entering.set()
    enter.wait(20)
    try:
        yield
    finally:
        left.set()


@app.get("/entering/refused/")
def refused(_: Annotated[None, Depends(refusing)]) -> str:
    return threading.current_thread().name


@app.get("/entering/slow/")
async def slowly(_: Annotated[None, Depends(slow)]) -> None:
    """Nobody asks for it to its end."""


@app.post("/entering/transactions/")
async def transactions() -> list[str]:
    try:
        async with atomic(using="nowhere"):
            raise NotImplementedError
    except Exception as exc:  # noqa: BLE001 - whatever Django says
        said = str(exc)
    async with atomic():
        await Group.objects.acreate(name="one")
    return [said]


@pytest.fixture
def site(gateway: Callable[..., Gateway], settings: Any) -> Iterator[Gateway]:
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
    for event in (entering, enter, left):
        event.clear()
    legacy = {"settings": "legacy.settings", "threads": 1, "static": False}
    services = {"entering": {"app": f"{__name__}:app"}}
    routes = [{"name": "entering", "prefix": "/entering", "service": "entering", "fallback": False}]
    yield gateway(legacy=legacy, services=services, routes=routes)
    enter.set()


async def test_a_dependency_that_fails_keeps_no_thread(site):
    async with running(site) as served:
        for _ in range(3):
            assert (await ask(served, "/entering/refused/")).status == 418
        enter.set()
        assert (await ask(served, "/entering/refused/")).status == 200


async def test_a_dependency_that_is_entered_for_nobody_is_exited(site):
    async with running(site) as served:
        connection = Connection(served, scope("/entering/slow/"))
        connection.body()
        assert await until(entering.is_set)
        connection.task.cancel()
        enter.set()
        assert await until(left.is_set)
        assert (await ask(served, "/entering/refused/")).status == 200  # the only thread is free


async def test_a_transaction_that_can_not_begin_is_not_there(site):
    async with running(site) as served:
        found = await ask(served, "/entering/transactions/", "POST")
    assert found.status == 200, found.text
    assert "nowhere" in found.json()[0]
    assert await Group.objects.filter(name="one").aexists()
