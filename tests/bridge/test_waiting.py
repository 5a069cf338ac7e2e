"""Middleware that lets a thread wait for the view is found by a request of the start's own."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.utils.decorators import async_only_middleware, sync_and_async_middleware

from gateway.bridge.waiting import waiting_entries


@async_only_middleware
def awaiting(get_response: Any) -> Any:
    async def middleware(request: HttpRequest) -> Any:
        return await get_response(request)

    return middleware


@sync_and_async_middleware
def waiting(get_response: Any) -> Any:
    """It awaits in a way that keeps a thread."""
    if not iscoroutinefunction(get_response):
        return get_response

    async def middleware(request: HttpRequest) -> Any:
        return await sync_to_async(async_to_sync(get_response))(request)

    return middleware


def broken(get_response: Any) -> Any:
    raise LookupError("it can't be made without its server")


@pytest.fixture
def found(settings):
    def find(*names: str, chosen: list[str] | None = None) -> list[str]:
        settings.MIDDLEWARE = [f"{__name__}.{name}" for name in names]
        paths = None if chosen is None else [f"{__name__}.{name}" for name in chosen]
        return [path.rpartition(".")[2] for path in waiting_entries(paths, {})]

    return find


def test_one_that_awaits_is_not_found(found):
    assert found("awaiting") == []


def test_one_that_keeps_a_thread_is_found_wherever_it_is(found):
    assert found("awaiting", "waiting") == ["waiting"]
    assert found("waiting", "awaiting") == ["waiting"]


def test_one_that_is_not_chosen_is_not_tried(found):
    assert found("awaiting", "waiting", chosen=["awaiting"]) == []


def test_where_the_chain_can_not_be_made_nothing_is_found(found):
    assert found("waiting", "broken") == []
