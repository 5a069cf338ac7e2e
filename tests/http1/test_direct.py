"""The direct path (gateway/direct.py) sends what the usual way sends, to whom it belongs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import product
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import Gateway
from gateway.http1 import protocol
from gateway.server import listening
from gateway.server.uvicorn import ServerConfig
from tests.http1.direct_urls import VIEWS
from tests.project import gates
from tests.recording.test_recordings import plan
from tests.support.asgi import PATIENCE, running, until

pytestmark = [pytest.mark.anyio, pytest.mark.long]

TAGS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A server's configuration sets up the loggers of its process, which is that of other tests."""
    loggers = [logging.getLogger(name) for name in ("gateway", "gateway.access", "uvicorn", "uvicorn.error")]
    before = [(log.disabled, log.propagate, log.level, [*log.handlers]) for log in loggers]
    yield
    for log, (log.disabled, log.propagate, level, log.handlers) in zip(loggers, before, strict=True):
        log.setLevel(level)


class Noting:
    """A direct path that notes which requests need no task."""

    def __init__(self, direct: Any) -> None:
        self._direct = direct
        self.taken: list[bool] = []

    def answer(self, *request: Any) -> bool:
        self.taken.append(self._direct.answer(*request))
        return self.taken[-1]


@contextlib.asynccontextmanager
async def listening_on(gateway: Gateway, *, direct: bool, **options: Any) -> AsyncIterator[tuple[int, Noting]]:
    """A port where `gateway` is served, with the direct path or without it, and what it takes."""
    config = ServerConfig(
        gateway, access=False, http=protocol("httptools"), lifespan="off", log_level="error", **options
    )
    config.load()
    noting = Noting(config.direct)
    config.direct = noting if direct else None
    sockets = listening.bind("127.0.0.1", 0)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign] # this process has its own
    task = asyncio.create_task(server.serve(sockets))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.001)
    try:
        yield sockets[0].getsockname()[1], noting
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def both_ways(gateway: Gateway) -> AsyncIterator[tuple[int, int]]:
    """The ports of the direct path and of the usual way."""
    async with (
        running(gateway),
        listening_on(gateway, direct=True) as (direct, _),
        listening_on(gateway, direct=False) as (usual, _),
    ):
        yield direct, usual


@pytest.fixture
def tagged(gateway: Callable[..., Gateway], project: Any) -> Gateway:
    project.ROOT_URLCONF = "tests.http1.direct_urls"
    project.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    return gateway()


def request(
    kind: str, tag: str, method: str = "GET", body: bytes = b"", *, chunked: bool = False, more: bytes = b""
) -> bytes:
    """The bytes of one request."""
    lines = [b"%s /%s/?q=%s HTTP/1.1" % (method.encode(), kind.encode(), tag.encode()), b"Host: testserver"]
    lines += [b"X-Tag: " + tag.encode(), b"X-Request-ID: " + tag.encode()]
    if more:
        lines.append(more)
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    elif body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


LAST = request("tagged", "last", more=b"Connection: close")


async def asked(port: int, *pieces: bytes) -> bytes:
    """Everything that is answered until the connection ends, to what arrives in these pieces."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        received = await reader.read()
    writer.close()
    return re.sub(rb"(?m)^date: [^\r]*\r$", b"date: now\r", received)


async def test_every_kind_of_response_is_the_same_byte_for_byte(tagged):
    async with both_ways(tagged) as (direct, usual):
        for kind, method in product([*VIEWS, "nowhere"], ["GET", "HEAD", "OPTIONS", "POST", "DELETE"]):
            sent = request(kind, "tag", method, b"x=1" if method == "POST" else b"") + LAST
            assert await asked(direct, sent) == await asked(usual, sent), (kind, method)


REQUESTS = st.builds(
    request,
    kind=st.sampled_from([kind for kind in VIEWS if kind not in ("longer", "shorter", "odd")]),
    tag=TAGS,
    method=st.sampled_from(["GET", "GET", "GET", "POST", "HEAD", "PUT"]),
    body=st.binary(max_size=5000),
    chunked=st.booleans(),
    more=st.sampled_from([b"", b"", b"Accept: */*", b"Cookie: a=b", b"X_Under: score"]),
)


async def test_requests_one_after_the_other_are_answered_the_same_however_they_arrive(tagged):
    loop = asyncio.get_running_loop()
    async with both_ways(tagged) as (direct, usual):

        @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(pieces=st.lists(REQUESTS, max_size=4), cut=st.integers(0, 200))
        def the_same(pieces: list[bytes], cut: int) -> None:
            sent = b"".join([*pieces, LAST])

            async def of_both() -> None:
                assert await asked(direct, sent[:cut], sent[cut:]) == await asked(usual, sent)

            asyncio.run_coroutine_threadsafe(of_both(), loop).result(PATIENCE)

        await asyncio.to_thread(the_same)


async def test_of_many_callers_each_gets_its_own_also_while_others_leave(tagged, gateway):
    threads_for_all = {"settings": "legacy.settings", "threads": 40, "static": False}
    tagged = gateway(legacy=threads_for_all)

    async def calls(port: int, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(20):
            tag = f"caller{number}turn{turn}"
            if number % 5 == 4 and turn == 7:  # this one leaves before its answer
                writer.write(request("tagged", tag))
                writer.close()
                return
            writer.write(request("tagged", tag))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
            assert f'"tag": "{tag}"'.encode() in await reader.readexactly(length)
            assert f"x-request-id: {tag}\r\n".encode() in head
        writer.close()

    async with running(tagged), listening_on(tagged, direct=True) as (port, noting), asyncio.timeout(PATIENCE):
        await asyncio.gather(*(calls(port, number) for number in range(30)))
    assert all(noting.taken)


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": [(b"x-kind", b"raw"), *headers]}


def body(content: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


TWO = (b"content-length", b"2")
MESSAGES = [
    start(),
    start(200, TWO),
    start(204),
    start(200, TWO, (b"connection", b"close")),
    start(200, (b"a b", b"c")),
]
MESSAGES += [start(500, TWO), start(405, TWO), start(302, TWO, (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d"))]
MESSAGES += [start(200, (b"content-length", b"2x")), start(200, (b"transfer-encoding", b"chunked")), start(304, TWO)]
MESSAGES += [body(b"ok"), body(b"ok", more=True), body(b"", more=True), body(b""), body(b"longer")]
SCRIPTS = st.lists(st.one_of(st.sampled_from(MESSAGES), st.sampled_from(["wait", "fail"])), max_size=5)


def _of(gateway: Callable[..., Gateway], service: Any) -> Gateway:
    """A gateway with `service` below /raw."""
    module = ModuleType("tests_service_of_direct")
    module.app = service  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    return gateway(
        services={"raw": {"app": f"{module.__name__}:app", "middleware": "none", "breaker": False}},
        routes=[{"name": "raw", "prefix": "/raw", "service": "raw", "claim": "all", "fallback": False}],
    )


async def test_what_a_service_sends_is_the_same_whatever_it_sends_and_when(gateway):
    """Also what breaks ASGI's rules, and what fails in between."""
    script: list[Any] = []

    async def service(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for step in script:
            if step == "wait":
                await asyncio.sleep(0.001)
            elif step == "fail":
                raise ZeroDivisionError
            else:
                await send(dict(step))

    served = _of(gateway, service)
    loop = asyncio.get_running_loop()
    async with both_ways(served) as (direct, usual):

        @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(steps=SCRIPTS, method=st.sampled_from(["GET", "GET", "HEAD", "OPTIONS", "POST"]))
        def the_same(steps: list[Any], method: str) -> None:
            script[:] = steps
            sent = request("raw", "a", method, more=b"Connection: close")

            async def of_both() -> None:
                assert await asked(direct, sent) == await asked(usual, sent)

            asyncio.run_coroutine_threadsafe(of_both(), loop).result(PATIENCE)

        await asyncio.to_thread(the_same)


async def test_a_start_is_sent_before_there_is_a_body(gateway):
    """A client of server-sent events waits for it."""
    go_on = asyncio.Event()

    async def service(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200, TWO))
        await go_on.wait()
        await send(body(b"ok"))

    served = _of(gateway, service)
    async with running(served), listening_on(served, direct=True) as (port, _), asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("raw", "a"))
        assert b"x-kind: raw" in await reader.readuntil(b"\r\n\r\n")
        go_on.set()
        assert await reader.readexactly(2) == b"ok"
        writer.close()


async def test_a_message_may_be_sent_by_a_task(gateway):
    async def service(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.create_task(send(start(200, TWO)))
        await asyncio.create_task(send(body(b"ok")))

    async with running(_of(gateway, service)) as served, listening_on(served, direct=True) as (port, _):
        assert (await asked(port, request("raw", "a", more=b"Connection: close"))).endswith(b"\r\n\r\nok")


async def test_what_fails_before_the_thread_is_answered_in_the_usual_way(tagged, monkeypatch):
    async with both_ways(tagged) as (direct, usual):
        monkeypatch.setattr(tagged.legacy._entry, "static", Failing())
        sent = request("tagged", "a") + LAST
        assert await asked(direct, sent) == await asked(usual, sent)


class Failing:
    """Static files that can't be looked at."""

    def find(self, path: str) -> None:
        raise OSError(path)


TAKEN = {
    "a small answer": (request("tagged", "a"), True),
    "with a small body": (request("tagged", "a", "POST", b"x=1"), True),
    "with a body in chunks": (request("tagged", "a", "POST", b"x=1", chunked=True), True),
    "a stream": (request("streamed", "a"), True),
    "an error": (request("raises", "a"), True),
    "with a large body": (request("tagged", "a", "POST", b"x" * 5000), False),
    "HEAD": (request("tagged", "a", "HEAD"), False),
    "claimed by a route": (request("claimed", "a"), False),
    "refused": (request("tagged", "a", more=b"Cookie: a=1\r\nCookie: b=2"), False),
}


@pytest.mark.parametrize("what", TAKEN)
async def test_it_takes_what_no_route_claims(tagged, gateway, what):
    sent, taken = TAKEN[what]
    tagged = gateway(
        services={"items": {"app": "tests.project.services:items", "middleware": "none"}},
        routes=[{"name": "claimed", "prefix": "/claimed", "service": "items", "claim": "all"}],
    )
    async with running(tagged), listening_on(tagged, direct=True) as (port, noting):
        await asked(port, sent + LAST)
    assert noting.taken == [taken, True]


async def test_while_requests_are_recorded_it_takes_none(tagged):
    tagged.recordings.follow([plan()])
    async with running(tagged), listening_on(tagged, direct=True) as (port, noting):
        assert b'"tag": "last"' in await asked(port, LAST)
    assert noting.taken == [False]


async def test_while_no_thread_is_free_it_takes_none(gateway, project):
    project.ROOT_URLCONF = "tests.project.urls"
    one = gateway(legacy={"settings": "legacy.settings", "threads": 1, "static": False})
    async with running(one), listening_on(one, direct=True) as (port, noting):
        waiting = asyncio.create_task(asked(port, _get("/waits/busy/")))
        await until(lambda: one.legacy.pools.views.saturated)
        second = asyncio.create_task(asked(port, _get("/json/")))
        await until(lambda: len(noting.taken) > 1)
        gates.open_gate("busy")
        assert b"200 OK" in await waiting
        assert b"200 OK" in await second
    assert noting.taken == [True, False]


async def test_a_body_that_has_arrived_is_not_asked_for(tagged):
    """RFC 9110, section 10.1.1. uvicorn says 100 Continue all the same."""
    sent = request("tagged", "a", "POST", b"x=1", more=b"Expect: 100-continue")
    async with running(tagged), listening_on(tagged, direct=True) as (port, _):
        received = await asked(port, sent + LAST)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: testserver\r\nConnection: close\r\n\r\n".encode()


async def test_what_is_around_the_gateway_sees_every_request(tagged):
    """Monitoring wraps the application when uvicorn has loaded it."""

    class Wrapping(uvicorn.Config):
        def load(self) -> None:
            super().load()
            inner = self.loaded_app
            self.loaded_app = partial(inner)

    class Wrapped(ServerConfig, Wrapping):
        """As when `uvicorn.Config.load` was patched."""

    config = Wrapped(tagged, access=False)
    config.load()
    assert config.direct is None


async def test_behind_a_proxy_the_callers_address_is_the_proxys_word(gateway, project):
    project.ROOT_URLCONF = "tests.project.urls"
    served = gateway()
    sent = _get("/echo/").replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n")
    async with running(served), listening_on(served, direct=True, proxies=("127.0.0.1", 1)) as (port, noting):
        received = await asked(port, sent)
    assert b'"REMOTE_ADDR": "192.0.2.7"' in received
    assert b'"wsgi.url_scheme": "https"' in received
    assert noting.taken == [True]
