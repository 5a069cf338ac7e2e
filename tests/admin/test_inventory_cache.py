"""The inventory is made on a thread of its own, and whoever needs the first one waits for it."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.admin import inventory_cache
from gateway.admin.inventory_cache import Counted, InventoryCache
from gateway.clock import utc_now

GATEWAY: Any = SimpleNamespace(snapshot=SimpleNamespace(revision=1))


@pytest.fixture
def made(monkeypatch):
    """The threads on which an inventory was made, the last one last; `broken` is what they raise."""
    threads: list[str] = []

    def counted(gateway: Any) -> Counted:
        assert gateway is GATEWAY
        threads.append(threading.current_thread().name)
        if broken and threading.current_thread() is not threading.main_thread():
            raise broken[0]
        return Counted(None, None, (), (), utc_now(), None)  # type: ignore[arg-type] # nothing looks into it

    broken: list[Exception] = []
    monkeypatch.setattr(inventory_cache, "counted", counted)
    return SimpleNamespace(threads=threads, broken=broken)


def test_the_first_one_is_waited_for(made):
    cache = InventoryCache()
    found = cache.get(GATEWAY)
    assert made.threads == ["gateway-inventory"]
    assert cache.get(GATEWAY) is found


def test_who_waits_for_one_that_fails_makes_it_and_is_told(made, caplog):
    made.broken.append(LookupError("no such view"))
    found = InventoryCache().get(GATEWAY)
    assert made.threads == ["gateway-inventory", "MainThread"]
    assert found.why is None
    assert "no such view" in caplog.text


def test_the_connections_of_that_thread_are_closed(made, monkeypatch):
    closed: list[str] = []
    ended = threading.Event()

    def close_all() -> None:
        closed.append(threading.current_thread().name)
        ended.set()

    monkeypatch.setattr("gateway.admin.inventory_cache.connections", SimpleNamespace(close_all=close_all))
    InventoryCache().get(GATEWAY)
    assert ended.wait(10)
    assert closed == ["gateway-inventory"]
