"""What uvicorn's protocols and requests are called by, whichever parser they have."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.compat.uvicorn import abandon, complete, new_protocol, stop_keepalive

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("parser", ["h11", "httptools", *(["zttp"] if find_spec("zttp") else [])]),
]
REQUEST = b"GET / HTTP/1.1\r\nhost: testserver\r\n\r\n"


@asynccontextmanager
async def connection(app: Any, parser: Any, request: bytes = REQUEST) -> AsyncIterator[tuple[Any, Callable[[], Any]]]:
    """The protocol for one more connection to a server, which `request` comes on, and a function that reads from its
    other end."""
    config = uvicorn.Config(app, http=parser, ws="none", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    loop = asyncio.get_running_loop()
    _, protocol = await loop.connect_accepted_socket(partial(new_protocol, server), theirs)
    with ours:
        ours.send(request)
        yield protocol, partial(loop.sock_recv, ours, 65536)
        protocol.transport.close()
        await asyncio.sleep(0)


async def empty(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body", "body": b""})


async def test_a_new_protocol_serves_a_connection(parser):
    async with connection(empty, parser) as (_, read):
        assert (await read()).startswith(b"HTTP/1.1 204")


async def test_a_connection_that_is_idle_is_not_closed_once_its_timer_is_stopped(parser):
    async with connection(empty, parser) as (protocol, read):
        await read()
        timer = protocol.timeout_keep_alive_task

        stop_keepalive(protocol)

        assert timer.cancelled()


async def test_an_application_that_is_abandoned_finds_that_the_client_has_left(parser):
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        began.set()
        left.set_result((await receive())["type"])

    began, left = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with connection(app, parser) as (protocol, _):
        await began.wait()

        abandon(protocol.cycle)

        assert await left == "http.disconnect"


async def test_a_response_that_was_written_as_a_whole_is_over_for_the_server(parser):
    async def app(scope: Any, receive: Any, send: Any) -> None:
        began.set()
        await end.wait()

    began, end = asyncio.Event(), asyncio.Event()
    async with connection(app, parser) as (protocol, read):
        await began.wait()
        protocol.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

        complete(protocol.cycle)

        assert (await read()).startswith(b"HTTP/1.1 204")
        assert protocol.cycle.response_complete
        assert protocol.timeout_keep_alive_task is not None
        assert protocol.server_state.total_requests == 1
        end.set()


# -- attributes without an underscore that no manual names either: of http1/protocols.py and server/uvicorn.py ------


async def test_how_far_an_answer_is(parser):
    async def app(scope: Any, receive: Any, send: Any) -> None:
        began.set()
        await begin.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"o", "more_body": True})
        await end.wait()
        await send({"type": "http.response.body", "body": b"k"})

    def states() -> tuple[bool, bool]:
        return protocol.cycle.response_started, protocol.cycle.response_complete

    began, begin, end = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with connection(app, parser) as (protocol, read):
        await began.wait()
        found = [states()]
        begin.set()
        assert (await read()).endswith(b"o")
        found.append(states())
        end.set()
        assert await read() == b"k"
        found.append(states())

    assert found == [(False, False), (True, False), (True, True)]


async def test_whether_a_client_waits_to_be_told_that_it_may_send_its_body(parser):
    async def app(scope: Any, receive: Any, send: Any) -> None:
        waiting.append(protocol.cycle.waiting_for_100_continue)
        await receive()
        waiting.append(protocol.cycle.waiting_for_100_continue)
        await empty(scope, receive, send)

    waiting: list[bool] = []
    request = b"PUT / HTTP/1.1\r\nhost: testserver\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    async with connection(app, parser, request) as (protocol, read):
        assert (await read()).startswith(b"HTTP/1.1 100")
        protocol.data_received(b"ok")
        assert (await read()).startswith(b"HTTP/1.1 204")

    assert waiting == [True, False]


async def test_a_connection_that_nobody_reads_from(parser):
    async with connection(empty, parser) as (protocol, read):
        await read()
        assert not protocol.flow.read_paused

        protocol.flow.pause_reading()

        assert protocol.flow.read_paused
        assert not protocol.transport.is_reading()


async def test_a_server_knows_its_connections_and_what_is_worked_on(parser):
    async def app(scope: Any, receive: Any, send: Any) -> None:
        state = protocol.server_state
        found.append((state.connections == {protocol}, asyncio.current_task() in state.tasks))
        await empty(scope, receive, send)

    found: list[tuple[bool, bool]] = []
    async with connection(app, parser) as (protocol, read):
        await read()

    assert found == [(True, True)]
    assert not protocol.server_state.connections


async def test_where_a_request_gets_its_task(parser):
    """`_start_asgi_task`, which http1/httptools.py overrides: with the application as loaded, before the end."""
    if parser != "httptools" or not hasattr(HttpToolsProtocol, "_start_asgi_task"):
        return  # without it, each request has a task; tests/http1/test_direct.py says that newer versions have it

    class Overriding(HttpToolsProtocol):
        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            started.append((cycle is self.cycle, app is self.app, cycle.more_body))
            super()._start_asgi_task(cycle, app)

    started: list[tuple[bool, bool, bool]] = []
    async with connection(empty, Overriding) as (_, read):
        assert (await read()).startswith(b"HTTP/1.1 204")

    assert started == [(True, True, True)]
