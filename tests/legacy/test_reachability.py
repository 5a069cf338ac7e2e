"""Whether the stores that both sides lean on can be reached, and what asking them may not cost."""

import asyncio
import threading

import pytest

from gateway.legacy import reachability
from gateway.legacy.reachability import Stores

pytestmark = pytest.mark.anyio


@pytest.fixture
def stores(monkeypatch):
    monkeypatch.setattr(reachability, "FRESH", 0.0)
    stores = Stores()
    yield stores
    stores.close()


async def test_one_that_does_not_answer_keeps_one_thread_however_often_it_is_asked(stores, monkeypatch):
    asked, answer = [], threading.Event()
    monkeypatch.setattr(reachability, "PATIENCE", 0.02)
    monkeypatch.setattr(
        reachability, "_away", lambda: asked.append(threading.current_thread().name) or (answer.wait(20) and None)
    )
    try:
        for _ in range(5):
            assert "did not all answer" in await stores.unreachable()
        assert asked == ["django-stores-1"]
    finally:
        answer.set()


async def test_none_of_the_threads_that_others_wait_for_is_kept(stores, monkeypatch):
    asked, answer = [], threading.Event()
    monkeypatch.setattr(reachability, "PATIENCE", 0.02)
    monkeypatch.setattr(reachability, "_away", lambda: asked.append(threading.current_thread()) or answer.wait(20))
    try:
        await stores.unreachable()
        assert asked[0] is not await asyncio.to_thread(threading.current_thread)
        assert asked[0].name == "django-stores-1"
    finally:
        answer.set()


async def test_once_it_answers_it_is_known(stores, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(reachability, "PATIENCE", 0.02)
    monkeypatch.setattr(reachability, "_away", lambda: answer.wait(20) and None)
    assert await stores.unreachable() == "databases and caches did not all answer in 0.02 s"
    answer.set()
    monkeypatch.setattr(reachability, "PATIENCE", 5.0)
    assert await stores.unreachable() is None


async def test_what_a_driver_raises_is_nobodys_answer(stores, monkeypatch, caplog):
    def broken():
        raise RuntimeError("already closed")

    monkeypatch.setattr(reachability, "_away", broken)
    assert await stores.unreachable() is None
    assert "already closed" in caplog.text


async def test_a_database_that_does_not_answer_is_named(stores, monkeypatch):
    monkeypatch.setattr(reachability, "_usable", lambda connection: False)
    assert await stores.unreachable() == "database 'default' does not answer"
