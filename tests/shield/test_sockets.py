"""A mirror connects to nothing but the project's databases, and to what `[routes.mirror] hosts` names."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import http.server
import logging
import shutil
import socket
import tempfile
import threading
import urllib.request
from pathlib import Path

import anyio
import httpx
import pytest
import requests
import uvloop
from django.db import connections

from gateway.context.mirror_scope import MirrorScope, NotShielded, among_callers, mirror_scope
from gateway.shield.sockets import check_address, shield_sockets
from tests.support.databases import known_as

try:
    import aiohttp
except ImportError:
    aiohttp = None

REFUSED = (NotShielded, OSError)  # anyio raises one of its own, from the first
LOOPS = {"asyncio": asyncio.run, "uvloop": uvloop.run}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked += 1
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_GET  # noqa: N815 - its base class looks for this name

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(autouse=True)
def shielded():
    shield_sockets()


@pytest.fixture
def outside():
    """A server that keeps connections open, and counts what it is asked."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.url, server.port = 0, f"http://localhost:{server.server_port}/", server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


# -- ways to connect -------------------------------------------------------------------------------


def by_socket(server):
    with socket.socket() as sock:
        sock.connect(("localhost", server.port))


def by_connect_ex(server):
    with socket.socket() as sock:
        assert sock.connect_ex(("localhost", server.port)) == 0


def by_http_client(server):
    connection = http.client.HTTPConnection("localhost", server.port)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()


def by_urllib(server):
    urllib.request.urlopen(server.url).read()


def by_udp(server):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"counted", ("localhost", server.port))


def by_udp_with_flags(server):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"counted", 0, ("localhost", server.port))


def by_udp_of_several_buffers(server):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"cou", b"nted"], [], 0, ("localhost", server.port))


def by_create_connection(server):
    socket.create_connection(("localhost", server.port)).close()


SYNC = [
    by_socket,
    by_connect_ex,
    by_create_connection,
    by_http_client,
    by_urllib,
    by_udp,
    by_udp_with_flags,
    by_udp_of_several_buffers,
    lambda server: requests.get(server.url, timeout=10),
    lambda server: httpx.get(server.url),
]


async def on_streams(server):
    _, writer = await asyncio.open_connection("localhost", server.port)
    writer.close()
    await writer.wait_closed()


async def on_a_datagram(server):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("localhost", server.port))
    transport.close()


async def by_sock_connect(server):
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        [*_, (*_, address)] = await loop.getaddrinfo("localhost", server.port, family=socket.AF_INET)
        await loop.sock_connect(sock, address)


async def by_anyio(server):
    await (await anyio.connect_tcp("localhost", server.port)).aclose()


async def by_httpx(server):
    async with httpx.AsyncClient() as client:
        await client.get(server.url)


async def by_aiohttp(server):
    async with aiohttp.ClientSession() as session, session.get(server.url) as answer:
        await answer.read()


async def on_a_thread_of_a_task(server):
    await asyncio.create_task(asyncio.to_thread(by_socket, server))


ASYNC = [on_streams, on_a_datagram, by_sock_connect, by_anyio, by_httpx, on_a_thread_of_a_task]
ASYNC += [by_aiohttp] if aiohttp else []


@pytest.mark.parametrize("connect", SYNC)
@pytest.mark.parametrize("hosts", [(), ("localhost",), ("*",)])
def test_what_a_view_connects_to_is_refused_unless_it_is_allowed(outside, connect, hosts):
    scope = MirrorScope(hosts=frozenset(hosts))
    with mirror_scope(scope):
        if hosts:
            connect(outside)
        else:
            with pytest.raises(REFUSED):
                connect(outside)
    refused = None if hosts else "a connection to localhost, which [routes.mirror] hosts doesn't name"
    assert scope.refusal == refused
    assert hosts or outside.asked == 0
    connect(outside)  # as a caller


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("connect", ASYNC)
@pytest.mark.parametrize("hosts", [(), ("localhost",)])
def test_so_is_what_is_awaited(outside, connect, hosts, loop):
    scope = MirrorScope(hosts=frozenset(hosts))

    async def both():
        with mirror_scope(scope):
            if hosts:
                await connect(outside)
            else:
                with pytest.raises(REFUSED):
                    await connect(outside)
        asked = outside.asked
        await connect(outside)
        return asked

    asked = LOOPS[loop](both())
    assert scope.refusal == (None if hosts else "a connection to localhost, which [routes.mirror] hosts doesn't name")
    assert hosts or asked == 0


# -- connections that callers have opened -----------------------------------------------------------


def kept_by_requests(server):
    session = requests.Session()
    return lambda: session.get(server.url, timeout=10), session.close


def kept_by_httpx(server):
    client = httpx.Client()
    return lambda: client.get(server.url), client.close


def kept_by_http_client(server):
    connection = http.client.HTTPConnection("localhost", server.port)

    def ask():
        connection.request("POST", "/", b"")
        connection.getresponse().read()

    return ask, connection.close


@pytest.mark.parametrize("keep", [kept_by_requests, kept_by_httpx, kept_by_http_client])
def test_a_connection_that_is_open_already_is_no_way_out(outside, keep):
    request, close = keep(outside)
    request()
    scope = MirrorScope()
    with mirror_scope(scope), pytest.raises(REFUSED):
        request()
    assert "localhost" in scope.refusal
    assert outside.asked == 1
    with mirror_scope(MirrorScope(hosts=frozenset({"localhost"}))):
        request()
    close()


async def kept_by_async_httpx(server, mirror):
    async with httpx.AsyncClient() as client:
        await client.get(server.url)
        with mirror_scope(mirror), pytest.raises(REFUSED):
            await client.get(server.url)


async def kept_by_aiohttp(server, mirror):
    async with aiohttp.ClientSession() as session:
        await (await session.get(server.url)).read()
        with mirror_scope(mirror), pytest.raises(REFUSED):
            await session.get(server.url)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("ask_twice", [kept_by_async_httpx] + ([kept_by_aiohttp] if aiohttp else []))
def test_nor_is_one_of_an_asynchronous_client(outside, ask_twice, loop):
    mirror = MirrorScope()
    LOOPS[loop](ask_twice(outside, mirror))
    assert "localhost" in mirror.refusal
    assert outside.asked == 1


# -- paths and addresses ----------------------------------------------------------------------------


@pytest.fixture
def path():
    """A Unix socket that is listened to."""
    folder = Path(tempfile.mkdtemp(prefix="gateway"))  # pytest's own is too long for one
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(folder / "socket"))
        sock.listen()
        yield str(folder / "socket")
    shutil.rmtree(folder)


@pytest.mark.parametrize("loop", [None, *LOOPS])
def test_unix_sockets_are_allowed_by_their_path(path, loop):
    def connect():
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)

    async def connect_on_the_loop():
        _, writer = await asyncio.open_unix_connection(path)
        writer.close()

    for hosts, refused in ((frozenset(), True), (frozenset({path}), False)):
        scope = MirrorScope(hosts=hosts)
        try:
            with mirror_scope(scope):
                connect() if loop is None else LOOPS[loop](connect_on_the_loop())
        except REFUSED:
            assert refused
        assert (scope.refusal is not None and path in scope.refusal) is refused


@pytest.mark.parametrize(
    ("hosts", "address", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", True),
        ("localhost", "127.0.0.1", False),  # nobody has said that it is that one
        ("other.example", "localhost", False),
    ],
)
def test_a_host_is_allowed_as_it_is_called(outside, hosts, address, allowed):
    with mirror_scope(MirrorScope(hosts=frozenset({hosts}))) as scope, contextlib.suppress(REFUSED):
        socket.create_connection((address, outside.port)).close()
    assert (scope.refusal is None) is allowed


def test_a_database_of_the_project_is_allowed_at_its_port_alone(outside):
    engine = {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "localhost", "PORT": str(outside.port)}
    known_as("at_a_port", engine)
    try:
        shield_sockets()
    finally:
        connections.settings.pop("at_a_port")
    with mirror_scope(MirrorScope()) as scope:
        by_create_connection(outside)
        assert scope.refusal is None
        with pytest.raises(REFUSED):
            socket.create_connection(("localhost", outside.port + 1 if outside.port < 65535 else 1))


def test_what_the_shield_asks_for_a_mirror_is_not_the_mirrors(outside):
    with mirror_scope(MirrorScope()) as scope:
        with among_callers():
            by_urllib(outside)
        assert scope.refusal is None


# -- in the gateway ---------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/s/sync/", "/s/async/", "/s/threads/"])
@pytest.mark.parametrize("hosts", [[], ["localhost"]])
async def test_an_endpoint_that_asks_another_server_is_named_with_it(mirrored, mirrors, outside, caplog, path, hosts):
    with caplog.at_level(logging.WARNING, "gateway.parity"):
        await mirrored(lambda: by_urllib(outside), path=path, route={"hosts": hosts})
    told = f"GET {path}: not mirrored for 10 min, as s would use a connection to localhost, which [routes.mirror] hosts"
    assert any(told in message for message in caplog.messages) is (not hosts)
    assert bool(mirrors().dropped.get("unshielded")) is (not hosts)
    assert bool(outside.asked) is bool(hosts)


@pytest.mark.parametrize("address", [(0, 0), (1, b"abc"), 7, None])
def test_an_address_that_does_not_leave_this_machine_is_anybodys(address):
    """Netlink, packet and other families, whose addresses are numbers."""
    scope = MirrorScope()
    check_address(scope, address)
    assert scope.refusal is None
