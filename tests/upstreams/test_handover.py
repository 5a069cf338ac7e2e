"""Jobs from threads for an event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.upstreams.handover import Handover

pytestmark = pytest.mark.anyio


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_jobs_run_on_the_loop_in_their_order():
    done: list[int] = []
    all_done = asyncio.Event()
    handover = Handover(asyncio.get_running_loop())

    def put() -> None:
        for number in range(100):
            handover.put(lambda number=number: done.append(number))
        handover.put(all_done.set)

    threading.Thread(target=put).start()
    await all_done.wait()
    assert done == list(range(100))


async def test_the_loop_is_woken_once_for_what_comes_together(monkeypatch):
    loop, woken = asyncio.get_running_loop(), []
    handover = Handover(loop)
    monkeypatch.setattr(handover, "loop", Counted(loop, woken), raising=True)
    done: list[int] = []
    for number in range(5):
        handover.put(lambda number=number: done.append(number))
    await settled()
    assert (done, len(woken)) == (list(range(5)), 1)
    handover.put(lambda: done.append(5))
    await settled()
    assert (done, len(woken)) == (list(range(6)), 2)


async def test_what_a_job_hands_over_is_not_lost():
    done: list[str] = []
    handover = Handover(asyncio.get_running_loop())
    handover.put(lambda: handover.put(lambda: done.append("later")))
    await settled()
    await settled()
    assert done == ["later"]


async def test_a_job_that_fails_keeps_nobody_elses_from_running():
    loop, told, done = asyncio.get_running_loop(), [], []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    handover = Handover(loop)
    handover.put(lambda: 1 / 0)
    handover.put(lambda: done.append(1))
    await settled()
    assert done == [1]
    assert [type(error) for error in told] == [ZeroDivisionError]


def test_a_closed_loop_takes_no_more():
    loop = asyncio.new_event_loop()
    handover = Handover(loop)
    handover.put(lambda: None)  # and the loop never runs
    loop.close()
    with pytest.raises(RuntimeError):
        handover.put(lambda: None)


class Counted:
    """A loop that notes how often it is woken."""

    def __init__(self, loop: asyncio.AbstractEventLoop, woken: list[object]) -> None:
        self._loop = loop
        self._woken = woken

    def call_soon_threadsafe(self, job):
        self._woken.append(job)
        return self._loop.call_soon_threadsafe(job)

    def is_closed(self) -> bool:
        return self._loop.is_closed()
