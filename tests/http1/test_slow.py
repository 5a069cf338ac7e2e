"""Clients that send nothing, or no more, keep no connection; those that nobody asks for more do."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import uvicorn

from gateway.http1 import protocol, protocols
from tests.http1.parsers import PARSERS

pytestmark = [pytest.mark.anyio, pytest.mark.server]

SOON = 0.3  # seconds, where a connection is to be cut off
PATIENT = 1.5  # where it is not, however busy the machine is
HEAD = b"POST %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n"
LENGTH, CHUNKED, EXPECT = (
    b"Content-Length: 9",
    b"Transfer-Encoding: chunked",
    b"Expect: 100-continue\r\nContent-Length: 9",
)


async def app(scope, receive, send):
    """/read reads the body and answers, /early answers first, /late waits before it reads."""
    if scope["path"] == "/late":
        await asyncio.sleep(protocols.BODY_TIMEOUT * 1.2)
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    if scope["path"] == "/early":
        await send(start)
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    if message["type"] == "http.request":
        if scope["path"] != "/early":
            await send(start)
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def time_out():
    """How long a server waits for a head, and for more of a body, in seconds."""
    return SOON


patient = pytest.mark.parametrize("time_out", [PATIENT])


@pytest.fixture(params=PARSERS)
async def connect(request, monkeypatch, time_out):
    """Connections to a server with that parser."""
    monkeypatch.setattr(protocols, "HEAD_TIMEOUT", time_out)
    monkeypatch.setattr(protocols, "BODY_TIMEOUT", time_out)
    options = uvicorn.Config(app, port=0, http=protocol(request.param), lifespan="off", log_level="error")
    server = uvicorn.Server(options)
    server.capture_signals = contextlib.nullcontext
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield lambda: asyncio.open_connection("127.0.0.1", port)
    server.should_exit = True
    await serving


async def answered(connect, *parts, pause=SOON / 3):
    """What comes until the server closes, where the client sends these parts one after the other, and then nothing."""
    reader, writer = await connect()
    async with asyncio.timeout(10):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
        received = await reader.read()
    writer.close()
    return received


@pytest.mark.parametrize("parts", [[], [b"\r\n"], [b"\r\n\r\n"] * 2, [b"GET / HT"], [b"GET"] * 2])
async def test_who_sends_no_request_is_cut_off(connect, parts):
    assert await answered(connect, *parts) == b""


@pytest.mark.parametrize("sent", [HEAD % (b"/read", LENGTH) + b"abc", HEAD % (b"/read", CHUNKED) + b"2\r\nab\r\n"])
async def test_who_sends_a_part_of_a_body_is_told_that_it_takes_too_long(connect, sent):
    assert (await answered(connect, sent)).startswith(b"HTTP/1.1 408 ")


async def test_who_was_told_to_go_on_and_does_not_is_told_too(connect):
    received = await answered(connect, HEAD % (b"/read", EXPECT))
    assert received.startswith(b"HTTP/1.1 100 ")
    assert b"HTTP/1.1 408 " in received


async def test_an_answer_that_has_begun_is_cut_off(connect):
    received = await answered(connect, HEAD % (b"/early", LENGTH) + b"abc")
    assert b"HTTP/1.1 408" not in received
    assert not received.endswith(b"ok")


async def test_who_begins_another_request_and_does_not_end_it_is_cut_off(connect):
    received = await answered(connect, HEAD % (b"/read", b"Content-Length: 0"), b"GET / HT")
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.endswith(b"ok")


async def test_a_body_that_is_wrong_once_an_answer_has_begun_has_no_second_one(connect):
    received = await answered(connect, HEAD % (b"/early", CHUNKED), b"no size\r\n", pause=0.05)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1 ") == 1


@patient
async def test_a_slow_body_of_which_something_comes_is_read(connect):
    reader, writer = await connect()
    writer.write(HEAD % (b"/read", LENGTH))
    for part in (b"abc", b"def", b"ghi"):
        await asyncio.sleep(PATIENT / 2)
        writer.write(part)
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
    writer.close()


@patient
async def test_who_waits_to_be_asked_for_a_body_is_not_to_blame(connect):
    reader, writer = await connect()
    writer.write(HEAD % (b"/late", EXPECT))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    writer.write(b"abcdefghi")
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
    writer.close()
