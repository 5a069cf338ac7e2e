"""Who made a request is asked on the event loop, for so long, and not after its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.recording import callers
from gateway.recording.callers import CallerLookup

SAMPLED: Any = SimpleNamespace(template="/", kept=SimpleNamespace(info=None, scope={}))


class Legacy:
    """Determines callers in its own time."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    async def caller(self, *_: object) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One that runs on another thread, as the server's does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_who_is_not_told_in_time_is_not_waited_for(loop, monkeypatch):
    monkeypatch.setattr(callers, "PATIENCE", 0.01)
    legacy: Any = Legacy()
    asking = CallerLookup(legacy)
    asking.loop = loop
    assert asking.ask(SAMPLED) is None
    assert legacy.cancelled.wait(20)


def test_before_the_first_request_and_after_the_last_nobody_is_asked():
    legacy: Any = Legacy()
    asking = CallerLookup(legacy)
    assert asking.ask(SAMPLED) is None
    asking.loop = asyncio.new_event_loop()
    asking.loop.close()
    assert asking.ask(SAMPLED) is None
