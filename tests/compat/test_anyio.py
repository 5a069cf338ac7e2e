"""Starlette and FastAPI look `run_sync` up whenever they call it: what is put in its place is called."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import anyio.to_thread
import pytest
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.background import BackgroundTask
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from gateway.compat.anyio import RunSync, wrap_run_sync

pytestmark = pytest.mark.anyio


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is run on threads, as something sees it that was put around it, and around an agent's, twice by one name."""
    agents = wraps(anyio.to_thread.run_sync)(partial(anyio.to_thread.run_sync))
    monkeypatch.setattr(anyio.to_thread, "run_sync", agents)
    found: list[Any] = []

    def noting(original: RunSync) -> RunSync:
        async def run_sync(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
            found.append(function)
            return await original(function, *args, **options)

        return run_sync

    wrap_run_sync("noting", noting)
    wrap_run_sync("another", lambda original: original)
    wrap_run_sync("noting", noting)
    return found


def work() -> int:
    return 7


async def test_a_plain_function(calls):
    assert await run_in_threadpool(work) == 7
    assert len(calls) == 1


async def test_an_iterator(calls):
    assert [part async for part in iterate_in_threadpool(iter("ab"))] == ["a", "b"]
    assert len(calls) == 3


async def test_a_background_task(calls):
    await BackgroundTask(work)()
    assert len(calls) == 1


async def test_the_entry_and_the_exit_of_a_dependency(calls):
    @contextmanager
    def dependency():
        yield 7

    async with contextmanager_in_threadpool(dependency()) as value:
        assert value == 7
    assert len(calls) == 2
