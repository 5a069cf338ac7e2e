"""One timer for all requests that wait for a service."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from gateway.dispatch.deadline import Deadlines

pytestmark = pytest.mark.anyio

REQUEST = object()


async def waits(deadlines: Deadlines) -> str:
    """A request whose service never begins."""
    deadlines.arm(request := object())
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        if not deadlines.expired(request):
            raise
        return "late"
    return "never"


async def test_who_does_not_begin_in_time_is_cancelled_and_goes_on():
    assert await waits(Deadlines(0.01)) == "late"
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_each_of_many_has_its_own_time():
    deadlines = Deadlines(0.05)
    tasks = []
    for _ in range(5):
        tasks.append(asyncio.ensure_future(waits(deadlines)))
        await asyncio.sleep(0.01)
    assert await asyncio.gather(*tasks) == ["late"] * 5


async def test_who_has_begun_is_left_alone():
    deadlines = Deadlines(0.01)
    deadlines.arm(REQUEST)
    deadlines.disarm(REQUEST)
    await asyncio.sleep(0.03)
    assert not deadlines.expired(REQUEST)


async def test_who_ended_is_left_alone():
    deadlines = Deadlines(0.01)
    deadlines.arm(REQUEST)
    assert not deadlines.expired(REQUEST)
    await asyncio.sleep(0.03)
    assert not deadlines.late


async def test_a_cancellation_of_somebody_else_is_not_ours():
    task = asyncio.ensure_future(waits(Deadlines(60)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_swallows_the_cancellation_is_late_all_the_same():
    deadlines = Deadlines(0.01)
    deadlines.arm(REQUEST)
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    assert deadlines.late
    assert deadlines.expired(REQUEST)
    assert not deadlines.late
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


def test_another_event_loop_has_a_timer_of_its_own():
    deadlines = Deadlines(0.01)
    assert [asyncio.run(waits(deadlines)) for _ in range(2)] == ["late", "late"]


async def test_who_begins_again_has_all_of_the_time_again():
    deadlines = Deadlines(0.1)
    deadlines.arm(REQUEST)
    await asyncio.sleep(0.06)
    deadlines.rearm(REQUEST)
    await asyncio.sleep(0.06)
    assert not deadlines.expired(REQUEST)


async def test_who_has_begun_does_not_wait_again():
    deadlines = Deadlines(0.01)
    deadlines.arm(REQUEST)
    deadlines.disarm(REQUEST)
    deadlines.rearm(REQUEST)
    await asyncio.sleep(0.03)
    assert not deadlines.expired(REQUEST)
