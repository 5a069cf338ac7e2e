"""The bodies of requests, held once each and within bounds."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.bodies import SMALL, Bodies, Body
from gateway.dispatch.errors import ClientGone, Overloaded, UpstreamError
from tests.support.asgi import until

pytestmark = pytest.mark.anyio
parts = st.lists(st.binary(max_size=300) | st.integers(0, 3 * SMALL).map(bytes), max_size=8)


def feed(*sent: bytes, end: bool = True) -> Callable[[], Any]:
    """A `receive` of a request with these parts of a body, after which its client leaves."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": part, "more_body": True} for part in sent]
    if end:
        messages.append({"type": "http.request"})
    messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    return receive


async def held(bodies: Bodies, *sent: bytes, memory: int = 10**6) -> Body:
    body = Body(bodies, memory)
    return await bodies.read_on(body, {"type": "http.request", "more_body": True}, feed(*sent))


async def whole(receive: Callable[[], Any]) -> bytes:
    content, more = b"", True
    while more:
        message = await receive()
        content += message["body"]
        more = message["more_body"]
    return content


def in_use(bodies: Bodies) -> tuple[int, int]:
    assert (bodies.memory.take(0), bodies.disk.take(0)) == (True, True)
    return bodies.memory.used, bodies.disk.used


@given(parts=parts, memory=st.integers(0, 20_000), room=st.integers(0, 20_000))
def test_a_body_is_read_as_it_was_sent_wherever_it_is_held(parts, memory, room):
    async def read() -> tuple[bytes, bytes, bytes]:
        bodies = Bodies(room)
        body = await held(bodies, *parts, memory=memory)
        with body.file() as file:
            first = file.read(7) + file.read()
        return first, body.file().read(), await whole(body.again(feed(), more=False))

    assert asyncio.run(read()) == (b"".join(parts),) * 3


@pytest.mark.parametrize("memory", [0, 100])
async def test_readers_have_positions_of_their_own(memory):
    body = await held(Bodies(), b"0123456789", memory=memory)
    one, other = body.file(), body.file()
    assert (one.read(4), other.read(2), one.readline(), other.seek(8), other.read()) == (
        b"0123",
        b"01",
        b"456789",
        8,
        b"89",
    )


async def test_a_small_body_in_one_message_is_not_counted():
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"small"}

    bodies = Bodies(memory=0, disk=0)
    assert type(await bodies.read(receive, memory=1)) is BytesIO


@pytest.mark.parametrize(("size", "on_disk"), [(10, 0), (11, 11)])
async def test_a_body_goes_to_disk_when_it_is_larger_than_the_limit(size, on_disk):
    bodies = Bodies()
    body = await held(bodies, b"x" * size, memory=10)
    assert in_use(bodies)[1] == on_disk
    assert body.size == size


async def test_all_bodies_together_have_a_limit_above_which_they_go_to_disk():
    bodies = Bodies(memory=25_000)
    many = [await held(bodies, b"x" * 5000, b"y" * 5000) for _ in range(5)]
    assert in_use(bodies) == (20_000, 30_000)
    assert {body.file().read() for body in many} == {b"x" * 5000 + b"y" * 5000}


async def test_what_is_let_go_of_is_given_back():
    bodies = Bodies(memory=5000)
    file = (await held(bodies, b"x" * 5000)).file()
    other = await held(bodies, b"y" * 5000)
    assert in_use(bodies) == (5000, 5000)
    file.close()
    del file, other
    assert in_use(bodies) == (0, 0)


async def test_without_room_on_disk_one_more_is_refused():
    with pytest.raises(UpstreamError, match="no room on disk") as caught:
        await held(Bodies(memory=0, disk=9), b"x" * 10)
    assert caught.value.status == 503


async def test_a_disk_that_is_full_is_the_gateways_own_lack_of_room(monkeypatch):
    def full(file, parts):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gateway.dispatch.bodies._write", full)
    with pytest.raises(Overloaded, match="No space left on device"):
        await held(Bodies(), bytes(100), memory=10)


async def test_a_file_is_not_closed_while_it_is_written(monkeypatch):
    go_on, files = threading.Event(), []

    def slow(file, parts):
        files.append(file)
        go_on.wait(20)

    monkeypatch.setattr("gateway.dispatch.bodies._write", slow)
    holding = asyncio.ensure_future(held(Bodies(), bytes(100), memory=10))
    try:
        assert await until(lambda: files)
        holding.cancel()
        await asyncio.wait([holding])
        assert not files[0].closed
    finally:
        go_on.set()
    assert await until(lambda: files[0].closed)


async def test_many_tiny_parts_take_no_more_than_their_bytes():
    body = await held(Bodies(), *[b"x"] * 10_000)
    assert body._chunks == []  # each would cost more than what it has
    assert body.content == b"x" * 10_000


async def test_a_body_that_is_too_large_is_refused_before_its_end():
    with pytest.raises(UpstreamError, match="more than 10 bytes") as caught:
        await Bodies().read(feed(b"x" * 6, b"x" * 6, end=False), 100, most=10)
    assert caught.value.status == 413


@pytest.mark.parametrize("sent", [(), (b"half",)])
async def test_a_client_that_leaves_before_the_end_of_its_body_is_gone(sent):
    with pytest.raises(ClientGone):
        await Bodies().read(feed(*sent, end=False), memory=10)


async def test_a_body_in_very_small_parts_is_joined_as_it_comes():
    """Each part would cost a hundred bytes of overhead."""
    sent = [bytes([number % 251]) * (SMALL - 1) for number in range(40)]
    body = await held(Bodies(10**6, 10**6), *sent)
    assert body.file().read() == b"".join(sent)
