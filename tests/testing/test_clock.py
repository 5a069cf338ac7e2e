"""`gateway_clock` stands still, and the gateway goes by it; what it draws is the same in each run."""

from __future__ import annotations

import logging
import random

import pytest

from gateway import Gateway
from gateway.clock import SYSTEM
from gateway.testing import FrozenClock
from gateway.testing.clock import CountedRandomness, SwitchedClock, SwitchedRandomness
from gateway.testing.live import frozen


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


def test_a_signed_header_holds_until_the_clock_passes_its_end(
    db, gateway_client, gateway_app, gateway_clock, override_route
):
    override_route("moved", "canary", 0)
    expires = int(gateway_clock.time()) + 60
    asked = {"X-Gateway-Upstream": gateway_app.snapshot.site.signer.signed_side("moved", "service", expires)}
    assert gateway_client.get("/moved/names/", headers=asked).served_by == "bridged"
    gateway_clock.advance(61)
    assert gateway_client.get("/moved/names/", headers=asked).served_by == "legacy"


def test_draws_are_the_same_in_each_run(db, gateway_client, gateway_app, override_route):
    override_route("moved", "canary", 50)
    found = []
    for _ in range(2):
        with frozen(FrozenClock()):
            found.append([gateway_client.get("/moved/names/").served_by for _ in range(8)])
    assert found[0] == found[1]
    assert set(found[0]) == {"bridged", "legacy"}


def test_identifiers_are_numbers(gateway_client, gateway_clock):
    found = [gateway_client.get("/plain/echo/")["X-Request-ID"] for _ in range(2)]
    assert found == [f"{1:032x}", f"{2:032x}"]


def test_after_the_test_everything_is_the_systems_again(gateway_client, gateway_app):
    before = SYSTEM.time(), gateway_app.clock.monotonic()
    assert before[0] <= gateway_app.clock.time() <= SYSTEM.time()
    assert gateway_app.clock.monotonic() > before[1]
    assert int(gateway_client.get("/plain/echo/")["X-Request-ID"], 16) > 100


def test_for_durations_no_clock_goes_back_when_another_takes_its_place():
    clock, frozen = SwitchedClock(), FrozenClock()
    began = clock.monotonic()
    with clock.switched(frozen):
        within = clock.monotonic()
        frozen.advance(3600)
        assert clock.monotonic() == pytest.approx(within + 3600)
        assert clock.time() == frozen.time()
    assert within >= began
    assert clock.monotonic() >= within + 3600


def test_an_application_is_given_a_clock_and_randomness_of_its_own(project):
    clock, drawn = FrozenClock(), CountedRandomness()
    legacy = {"settings": "legacy.settings", "threads": 4, "static": False}
    app = Gateway({"legacy": legacy}, clock=clock, randomness=drawn)
    assert (app.clock, app.resolver.context.clock) == (clock, clock)
    assert app.resolver.context.random() == random.Random(0).random()


def test_a_source_that_is_counted_gives_what_the_gateway_asks_for():
    drawn = CountedRandomness()
    made = [drawn.key().decode(), drawn.visitor_id(), drawn.request_id().decode()]
    assert made == [f"{number:032x}" for number in (1, 2, 3)]
    assert CountedRandomness(1).bits(8) == CountedRandomness(1).bits(8) < 256


def test_what_is_drawn_elsewhere_meanwhile_comes_from_the_source_that_is_in_its_place():
    switched, drawn = SwitchedRandomness(), random.Random(0)
    with switched.switched(CountedRandomness()):
        found = [switched.key(), switched.visitor_id().encode(), switched.request_id()]
        assert found == [b"%032x" % number for number in (1, 2, 3)]
        assert (switched.random(), switched.bits(4)) == (drawn.random(), drawn.getrandbits(4))
    assert switched.key() != switched.key()
