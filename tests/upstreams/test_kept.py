"""A body that is kept while it is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstreams.kept import Kept

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
    kept = Kept(gives(*parts), 1000)
    for _ in range(min(count, len(parts))):
        await kept()
    assert await read(kept.again()) == b"".join(parts)


async def test_what_comes_after_the_body_is_not_repeated():
    kept = Kept(gives(b"a"), 10)
    await kept()
    again = kept.again()
    assert (await again(), await again()) == (
        {"type": "http.request", "body": b"a", "more_body": False},
        {"type": "http.disconnect"},
    )


@pytest.mark.parametrize("then", ["http.disconnect", "websocket.disconnect"])
async def test_a_client_that_left_is_gone(then):
    kept = Kept(gives(b"a", then=then), 10)
    assert not kept.gone
    await kept()
    assert (kept.ended, kept.gone) == (True, False)
    await kept()
    assert kept.gone


async def test_more_than_the_limit_is_handed_on_and_not_kept():
    kept = Kept(gives(b"abc", b"def"), 5)
    assert (await read(kept), kept.whole, kept.body) == (b"abcdef", False, b"")


async def test_as_much_as_the_limit_is_kept():
    kept = Kept(gives(b"abc", b"de"), 5)
    assert (await read(kept), kept.whole, kept.body) == (b"abcde", True, b"abcde")
