"""What a connection receives, cut into messages: however it comes in, it is read alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http1.reading import Reading
from gateway.http1.refused import MOST_BYTES, RefusedMessage
from tests.http1.kinds import Kind, kinds, request

PLAIN = b"GET /x HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nContent-Length: 5\r\nHost: a\r\n\r\nhello"
CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nCookie: x\r\n\r\n"


def read(*pieces: bytes) -> list[bytes] | int:
    """The messages that these pieces are read as, or the status of what is refused."""
    reading, messages, message = Reading(), [], b""
    try:
        for piece in pieces:
            message += reading.take(piece)
            while reading.whole or reading.upgraded:
                messages.append(message)
                reading.begin()
                message = reading.take(b"")
                if not message and not reading.held:
                    break
    except RefusedMessage as exc:
        return exc.status
    return [*messages, message] if message else messages


def alike(found: list[bytes] | int) -> list[bytes] | int:
    """Without the spaces around values, and without capitals: these are no difference."""
    return found if isinstance(found, int) else [message.lower().replace(b": ", b":") for message in found]


def one_by_one(sent: bytes) -> list[bytes]:
    return [sent[index : index + 1] for index in range(len(sent))]


@pytest.mark.parametrize("sent", [PLAIN, POST], ids=["no body", "a body"])
def test_an_ordinary_message_is_handed_on_as_it_is(sent):
    assert read(sent) == [sent]


def test_extensions_and_trailers_are_left_out():
    assert read(CHUNKED) == [CHUNKED.replace(b";a=b", b"").replace(b"Cookie: x\r\n", b"")]


@pytest.mark.parametrize(
    "sent", [PLAIN, POST, CHUNKED, PLAIN + POST + CHUNKED + PLAIN, b"\r\n\r\n" + PLAIN], ids=range(5)
)
def test_bytes_that_come_one_by_one_are_read_as_if_they_came_at_once(sent):
    assert alike(read(*one_by_one(sent))) == alike(read(sent))


@pytest.mark.parametrize("kind", [kind for kind in kinds() if 0 < len(kind.sent) < 2000], ids=str)
def test_so_is_every_kind_of_request(kind: Kind):
    sent = kind.sent.replace(b"{p}", b"/p")
    assert alike(read(*one_by_one(sent))) == alike(read(sent))


@pytest.mark.parametrize("cut", range(1, len(PLAIN)))
def test_a_head_may_be_cut_anywhere(cut):
    assert read(PLAIN[:cut], PLAIN[cut:]) == [PLAIN]


def test_one_message_is_given_at_a_time():
    reading = Reading()
    assert reading.take(POST + PLAIN) == POST
    assert (reading.whole, reading.held) == (True, len(PLAIN))
    assert reading.take(b"") == b""
    reading.begin()
    assert reading.take(b"") == PLAIN


def test_what_is_read_of_a_head_that_never_ends_is_bounded():
    reading = Reading()
    reading.take(b"GET /x HTTP/1.1\r\nHost: a\r\nX-One: ")
    reading.take(b"a" * (MOST_BYTES - 1000))
    with pytest.raises(RefusedMessage, match="too many headers, or too long ones"):
        reading.take(b"a" * 1000)
    assert reading.held <= MOST_BYTES + 1000


@given(st.integers(MOST_BYTES, 300_000), st.integers(500, 300_000))
def test_a_head_that_is_too_long_is_refused_however_it_is_split(length, size):
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX-Big: " + b"a" * length + b"\r\n\r\n"
    assert read(*(head[at : at + size] for at in range(0, len(head), size))) == 431


def test_a_body_is_handed_on_as_it_comes():
    reading = Reading()
    head = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    assert reading.take(head) == head
    assert [len(reading.take(b"x" * 1000)) for _ in range(10)] == [1000] * 10
    assert reading.held == 0


def test_a_client_that_may_wait_to_be_told_to_go_on_is_known():
    reading = Reading()
    reading.take(request("Expect: 100-continue", "Content-Length: 5", target="/x", method="POST"))
    assert reading.asks
    reading.take(b"h")
    assert not reading.asks


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("Connection: Upgrade\r\nUpgrade: h2c", b""),
        ("Connection: close, keep-alive", b"Connection: close\r\n"),
        ("Connection: X-One\r\nConnection: X-Two", b"Connection: x-one, x-two\r\n"),
        ("Proxy-Connection: close", b""),
        ("Expect: 100-continue", b""),
        ("Trailer: Cookie", b""),
    ],
)
def test_of_what_concerns_one_connection_only_what_is_met_is_left(line, given):
    sent = request(line, target="/x", host="Host: a", close=None)
    assert read(sent) == [b"GET /x HTTP/1.1\r\nHost: a\r\n" + given + b"\r\n"]
