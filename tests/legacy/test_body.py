"""Bodies between the event loop and a thread."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.disconnect import until_gone
from gateway.dispatch.errors import ClientGone
from gateway.legacy.body import BLOCK, Pipe

pytestmark = pytest.mark.anyio
chunks = st.lists(st.binary(max_size=300), max_size=12)


def feed(*parts: bytes, end: bool = True):
    """A `receive` that gives these parts of a body, and then the client's goodbye."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": b"", "more_body": False} if end else {"type": "http.disconnect"})

    async def receive():
        return messages.pop(0)

    return receive


async def forever():
    await asyncio.Event().wait()


# -- until somebody leaves ----------------------------------------------------------------------


async def test_work_is_completed_while_the_client_stays():
    done = []

    async def work():
        done.append(1)

    assert await until_gone(forever, work())
    assert done == [1]


async def test_work_is_cancelled_when_the_client_leaves():
    cancelled = asyncio.Event()

    async def work():
        try:
            await forever()
        finally:
            cancelled.set()

    assert not await until_gone(feed(end=False), work())
    assert cancelled.is_set()


async def test_work_runs_in_the_context_it_is_given():
    place = contextvars.ContextVar("place", default="elsewhere")
    context, seen = contextvars.Context(), []
    context.run(place.set, "here")

    async def work():
        seen.append(place.get())

    await until_gone(forever, work(), context=context)
    await until_gone(forever, work())
    assert seen == ["here", "elsewhere"]


async def test_what_work_raises_is_raised():
    async def work():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await until_gone(forever, work())


async def test_cancelling_from_outside_is_not_mistaken_for_a_client_that_left():
    stopped = asyncio.Event()

    async def work():
        try:
            await forever()
        finally:
            stopped.set()

    task = asyncio.create_task(until_gone(forever, work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped.is_set()


# -- out ----------------------------------------------------------------------------------------


class Sink:
    """A `send` that keeps what it is given; while `closed` it takes nothing."""

    def __init__(self):
        self.parts: list[bytes] = []
        self.news = asyncio.Event()

    async def __call__(self, message):
        self.parts.append(message["body"])
        self.news.set()

    @property
    def body(self):
        return b"".join(self.parts)


def in_thread(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


@given(parts=chunks, limit=st.integers(1, 400))
def test_what_a_thread_puts_in_comes_out_in_order_whatever_the_limit(parts, limit):
    async def through() -> bytes:
        pipe, sink = Pipe(asyncio.get_running_loop(), limit), Sink()

        def fill() -> None:
            for part in parts:
                pipe.put(part)
            pipe.end()

        thread = in_thread(fill)
        await pipe.drain(sink)
        thread.join()
        return sink.body

    assert asyncio.run(through()) == b"".join(parts)


async def test_the_first_chunk_leaves_before_the_second_is_made():
    pipe, sink, first_sent = Pipe(asyncio.get_running_loop()), Sink(), threading.Event()

    def fill():
        pipe.put(b"first")
        first_sent.wait(10)
        pipe.put(b"second")
        pipe.end()

    in_thread(fill)
    drain = asyncio.create_task(pipe.drain(sink))
    await sink.news.wait()
    assert sink.body == b"first"
    first_sent.set()
    await drain
    assert sink.body == b"firstsecond"


async def test_the_thread_waits_while_the_pipe_is_full():
    pipe, sink, made, full = Pipe(asyncio.get_running_loop(), limit=10), Sink(), [], threading.Event()

    def fill():
        for number in range(100):
            pipe.put(b"x" * 5)
            made.append(number)
            if len(made) == 2:
                full.set()
        pipe.end()

    thread = in_thread(fill)
    await asyncio.to_thread(full.wait, 10)
    assert len(made) == 2
    await pipe.drain(sink)
    thread.join()
    assert len(sink.body) == 500


async def test_chunks_that_gathered_leave_together():
    pipe, sink = Pipe(asyncio.get_running_loop()), Sink()
    for part in (b"a", b"b", b"c"):
        pipe.put(part)
    pipe.end()
    await pipe.drain(sink)
    assert sink.parts == [b"abc"]


async def test_empty_chunks_are_not_sent():
    pipe, sink = Pipe(asyncio.get_running_loop()), Sink()
    pipe.put(b"")
    pipe.end()
    await pipe.drain(sink)
    assert sink.parts == []


def put_until_gone(pipe, chunk=b"x"):
    """Fill the pipe on a thread; the event is set when nobody reads any more."""
    gone = threading.Event()

    def fill():
        try:
            while True:
                pipe.put(chunk)
        except ClientGone:
            gone.set()

    in_thread(fill)
    return gone


async def test_breaking_off_stops_the_thread_that_waits_for_room():
    pipe = Pipe(asyncio.get_running_loop(), limit=1)
    gone = put_until_gone(pipe)
    pipe.break_off()
    assert await asyncio.to_thread(gone.wait, 10)


async def test_a_client_that_takes_nothing_for_too_long_is_cut_off(caplog):
    async def stuck(message):
        await forever()

    pipe = Pipe(asyncio.get_running_loop(), limit=1, patience=0.3)  # long enough that the first chunk is taken
    gone, drain = put_until_gone(pipe), asyncio.create_task(pipe.drain(stuck))
    assert await asyncio.to_thread(gone.wait, 10)
    with pytest.raises(asyncio.CancelledError):
        await drain
    assert "cut off a client that took nothing of its answer for 0.3 seconds" in caplog.text


async def test_a_client_that_took_nothing_before_the_first_chunk_was_sent_is_gone():
    pipe = Pipe(asyncio.get_running_loop(), limit=1, patience=0.01)
    assert await asyncio.to_thread(put_until_gone(pipe).wait, 10)
    with pytest.raises(ClientGone):
        await pipe.drain(Sink())


@pytest.mark.slow
async def test_a_client_that_takes_its_time_is_not_cut_off(monkeypatch):
    monkeypatch.setattr("gateway.legacy.body.BLOCK", 1)
    taken, enough = [], asyncio.Event()

    async def slow(message):
        await asyncio.sleep(0.05)
        taken.append(message)
        if len(taken) == 20:  # which took twice as long as its patience
            enough.set()

    pipe = Pipe(asyncio.get_running_loop(), limit=1, patience=0.5)
    gone, drain = put_until_gone(pipe, b"x" * 20), asyncio.create_task(pipe.drain(slow))
    await enough.wait()
    assert not gone.is_set()
    pipe.break_off()
    drain.cancel()


async def test_a_thread_whose_loop_is_closed_gives_up():
    loop = asyncio.new_event_loop()
    pipe = Pipe(loop, limit=1, patience=0.01)
    pipe.put(b"x")
    loop.close()
    assert await asyncio.to_thread(put_until_gone(pipe).wait, 10)


async def test_a_large_chunk_leaves_in_blocks():
    pipe, sink = Pipe(asyncio.get_running_loop()), Sink()
    pipe.put(b"x" * (BLOCK + 1))
    pipe.end()
    await pipe.drain(sink)
    assert [len(part) for part in sink.parts] == [BLOCK, 1]


async def test_an_error_of_the_thread_is_raised_after_what_it_had_sent():
    pipe, sink = Pipe(asyncio.get_running_loop()), Sink()
    pipe.put(b"half")
    pipe.end(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await pipe.drain(sink)
    assert sink.body == b"half"
