"""A service's database connections: one for each thread at most, and cleaned up where they were used."""

from __future__ import annotations

import asyncio
import sqlite3
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.sqlite3.base import DatabaseWrapper

from gateway import Gateway
from gateway.testing.live import unprotected
from tests.contract.conftest import ROOT
from tests.contract.targets import Application
from tests.support.asgi import until

POOL = 30  # threads for the synchronous code of services, and for their middleware


class Opened:
    """Every connection that was opened since."""

    def __init__(self) -> None:
        self._seen: weakref.WeakSet[BaseDatabaseWrapper] = weakref.WeakSet()
        self.count = 0

    def note(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        self._seen.add(connection)
        self.count += 1

    @property
    def now(self) -> list[BaseDatabaseWrapper]:
        """Those still open."""
        return [wrapper for wrapper in list(self._seen) if wrapper.connection is not None]


@pytest.fixture
def opened(shop: None) -> Iterator[Opened]:
    opened = Opened()
    connection_created.connect(opened.note)
    yield opened
    connection_created.disconnect(opened.note)
    for wrapper in opened.now:
        wrapper.connection.close()  # past Django, which lets nobody but the owning thread close it


@pytest.fixture
def kept_open(shop: None) -> Iterator[None]:
    """Connections persist, as the demo has it."""
    default = connections.settings["default"]
    default["CONN_MAX_AGE"] = 60
    yield
    default["CONN_MAX_AGE"] = 0


@pytest.fixture
def service(shop: None) -> Iterator[Application]:
    """The demo with threads of this test's own."""
    # Without the two threads of gateway.control, whose connections last.
    with Application(unprotected(Gateway.from_file(ROOT / "gateway.toml"))) as application:
        yield application


PATHS = (
    "/api/products/",
    "/api/products/2/",
    "/api/products/99999/",
    "/api/products/?price_min=x",
    "/api/products/40/",
)


async def crowd(client: Any, number: int) -> list[int]:
    """So many mixed requests at the same time: found, not found and refused."""
    answers = await asyncio.gather(*(client.get(PATHS[index % len(PATHS)]) for index in range(number)))
    return [answer.status_code for answer in answers]


def ask_many(service: Application, number: int) -> list[int]:
    async def work() -> list[int]:
        async with service.client() as client:
            return await crowd(client, number)

    return service.run(work())


@pytest.mark.slow
def test_persistent_connections_are_one_for_each_thread_at_most(
    service: Application, opened: Opened, kept_open: None
) -> None:
    assert ask_many(service, 200) == [200, 200, 404, 400, 404] * 40
    assert 0 < len(opened.now) <= POOL
    assert opened.count <= POOL


@pytest.mark.slow
def test_without_persistence_no_connection_outlives_its_request(service: Application, opened: Opened) -> None:
    ask_many(service, 200)
    assert opened.count > 0
    assert asyncio.run(until(lambda: opened.now == []))  # threads clean up once the answer is on its way


def is_usable(wrapper: BaseDatabaseWrapper) -> bool:
    """As other databases answer; SQLite's is always True, since a file does not hang up."""
    try:
        wrapper.connection.execute("SELECT 1")
    except sqlite3.Error:
        return False
    return True


@pytest.mark.parametrize("health_checks", [True, False])
@pytest.mark.slow
def test_a_connection_that_broke_costs_one_request_at_most(
    service: Application,
    opened: Opened,
    kept_open: None,
    monkeypatch: pytest.MonkeyPatch,
    health_checks: bool,
) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_HEALTH_CHECKS", health_checks)
    monkeypatch.setattr(DatabaseWrapper, "is_usable", is_usable)
    ask_many(service, 40)
    broken = opened.now
    for wrapper in broken:
        wrapper.connection.close()  # as a database that goes away, behind Django's back
    statuses = [service.ask("GET", "/api/products/1/", {}).status for _ in range(60)]
    failed = statuses.count(500)
    assert statuses.count(200) + failed == 60
    assert failed == 0 if health_checks else failed <= len(broken)
