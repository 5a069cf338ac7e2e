"""How long the event loop stood still during a mirror, and for how long there are none after that."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.clock import SYSTEM
from gateway.mirroring.stalls import BEAT, FIRST, LONGEST, StallGuard, StallTimer

pytestmark = pytest.mark.anyio
STOPS = 0.3  # seconds


async def test_nothing_stands_still_while_it_waits():
    with StallTimer(SYSTEM) as watch:
        await asyncio.sleep(4 * BEAT)
    assert watch.longest < STOPS - BEAT


@pytest.mark.parametrize("before", [0.0, 1.5 * BEAT])
@pytest.mark.slow
async def test_it_stands_still_while_somebody_blocks(before):
    with StallTimer(SYSTEM) as watch:
        await asyncio.sleep(before)
        time.sleep(STOPS)  # noqa: ASYNC251 - what is to be noticed
        await asyncio.sleep(2 * BEAT)
    assert watch.longest >= STOPS - BEAT


async def test_what_blocks_until_the_end_is_noticed_too():
    with StallTimer(SYSTEM) as watch:
        time.sleep(STOPS)  # noqa: ASYNC251 - what is to be noticed
    assert watch.longest >= STOPS - BEAT


async def test_nothing_is_left_of_a_watch():
    with StallTimer(SYSTEM) as watch:
        pass
    assert watch._timer.cancelled()


def test_an_endpoint_that_holds_everybody_up_is_spared_for_a_while():
    seen = StallGuard(0.1)
    seen.note("a", "GET /x/", 0.1, 100.0)
    assert not seen.spares("a", "GET /x/", 100.0)  # that may have been anybody
    seen.note("a", "GET /x/", 0.1, 101.0)
    assert seen.spares("a", "GET /x/", 101.0 + FIRST - 0.01)
    assert not seen.spares("a", "GET /x/", 101.0 + FIRST)
    assert not seen.spares("a", "GET /y/", 101.0)
    assert not seen.spares("b", "GET /x/", 101.0)


def test_an_endpoint_that_does_so_now_and_then_is_not():
    seen = StallGuard(0.1)
    for now in range(10):
        seen.note("a", "GET /x/", 0.1, now)
        assert not seen.spares("a", "GET /x/", now)
        seen.note("a", "GET /x/", 0.09, now)


def test_each_time_it_is_spared_for_longer_up_to_a_limit():
    seen, now = StallGuard(0.1), 0.0
    seen.note("a", "GET /x/", 1.0, now)
    pauses = []
    for _ in range(9):
        seen.note("a", "GET /x/", 1.0, now)
        pauses.append(next(n for n in range(10_000) if not seen.spares("a", "GET /x/", now + n)))
        now += pauses[-1]
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert pauses[-1] == LONGEST


def test_it_begins_anew_once_it_went_well():
    seen = StallGuard(0.1)
    for seconds in (1.0, 1.0, 1.0, 0.0, 1.0):
        seen.note("a", "GET /x/", seconds, 100.0)
    assert not seen.spares("a", "GET /x/", 100.0)
