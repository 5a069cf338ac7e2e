"""A body that is kept while it is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.bodies import Bodies, Body
from gateway.dispatch.replay_buffer import ReplayBuffer

pytestmark = pytest.mark.anyio


def gives(*parts: bytes, then: str = "http.disconnect"):
    """A `receive` of a request with these parts of a body."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": index < len(parts) - 1} for index, part in enumerate(parts)
    ]
    messages.append({"type": then})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return receive


async def read(receive: Any) -> bytes:
    """The whole body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=6), st.integers(0, 6))
async def test_however_much_was_read_it_comes_again_whole(parts, count):
    kept = ReplayBuffer(gives(*parts), 1000, Bodies())
    for _ in range(min(count, len(parts))):
        await kept()
    assert await read(kept.again()) == b"".join(parts)


async def test_what_comes_after_the_body_is_not_repeated():
    kept = ReplayBuffer(gives(b"a"), 10, Bodies())
    await kept()
    again = kept.again()
    assert (await again(), await again()) == (
        {"type": "http.request", "body": b"a", "more_body": False},
        {"type": "http.disconnect"},
    )


@pytest.mark.parametrize("then", ["http.disconnect", "websocket.disconnect"])
async def test_a_client_that_left_is_gone(then):
    kept = ReplayBuffer(gives(b"a", then=then), 10, Bodies())
    assert not kept.gone
    await kept()
    assert (kept.ended, kept.gone) == (True, False)
    await kept()
    assert kept.gone


async def test_more_than_the_limit_is_handed_on_and_not_kept():
    kept = ReplayBuffer(gives(b"abc", b"def"), 5, Bodies())
    assert (await read(kept), kept.whole, kept.body) == (b"abcdef", False, b"")


async def test_as_much_as_the_limit_is_kept():
    kept = ReplayBuffer(gives(b"abc", b"de"), 5, Bodies())
    assert (await read(kept), kept.whole, kept.body) == (b"abcde", True, b"abcde")


async def test_what_finds_no_room_is_handed_on_and_not_kept():
    kept = ReplayBuffer(gives(b"abc", b"de"), 5, Bodies(memory=4))
    assert (await read(kept), kept.whole) == (b"abcde", False)


async def test_what_somebody_else_holds_is_not_held_twice():
    bodies = Bodies()
    kept, body = ReplayBuffer(gives(b"x" * 5000, b"y" * 5000), 20_000, bodies), Body(bodies, 20_000)
    first = await kept()
    kept.share(body)
    await bodies.read_on(body, first, kept)
    del first
    assert bodies.memory.take(0)
    assert bodies.memory.used == 10_000
    assert await read(kept.again()) == b"x" * 5000 + b"y" * 5000
