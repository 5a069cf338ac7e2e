"""`gateway_clock` stands still, and the gateway goes by it."""

from __future__ import annotations

import logging

import pytest

from gateway.clock import SYSTEM
from gateway.testing import FrozenClock


def test_it_moves_only_when_it_is_told_to():
    clock = FrozenClock()
    before = clock.time()
    clock.advance(90)
    assert (clock.time() - before, clock.monotonic()) == (90, 90)
    assert repr(clock) == "FrozenClock(2025-01-01T00:01:30+00:00)"


def test_it_can_not_be_turned_back():
    with pytest.raises(ValueError, match="turned back by 1 seconds"):
        FrozenClock().advance(-1)


def test_the_access_log_goes_by_it(gateway_client, gateway_clock, caplog, monkeypatch):
    async def slow(scope, receive, send):
        gateway_clock.advance(1.5)
        await entry(scope, receive, send)

    from gateway.testing import running

    upstream = running().gateway.upstreams["plain"]
    entry = upstream.entry
    monkeypatch.setattr(upstream, "entry", slow)
    with caplog.at_level(logging.INFO, "gateway.access"):
        gateway_client.get("/plain/echo/")
    assert caplog.records[-1].getMessage() == "GET /plain/echo/ 200 plain 1500.0ms"


def test_after_the_test_it_is_the_systems_again(gateway_app):
    assert gateway_app.clock is SYSTEM
