"""A service in another process, over HTTP."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from gateway.dispatch.errors import ClientGone, UpstreamError
from gateway.dispatch.scope import MIRROR
from gateway.upstreams.remote import RemoteUpstream
from tests.support.asgi import Connection, ask, open_socket, running, scope
from tests.support.remote import Peer, Remote

pytestmark = pytest.mark.anyio


@pytest.fixture
def remote():
    """Start servers that behave as told."""
    servers: list[Remote] = []

    def start(behave=None) -> Remote:
        servers.append(Remote(behave))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def echo(peer: Peer) -> None:
    """Answer with the request as it arrived."""
    line, headers = peer.head()
    body = peer.body(int(headers.get("content-length", 0)))
    peer.answer(json.dumps({"line": line, "headers": headers, "body": body.decode("latin-1")}).encode())


async def asked(server: Remote, target: str, method: str = "GET", /, *, base: str = "", **more):
    async with running(RemoteUpstream("far", server.url + base)) as upstream:
        return await ask(upstream.entry, target, method, **more)


# -- requests -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "target", "line"),
    [
        ("", "/api/x", "GET /api/x HTTP/1.1"),
        ("", "/api/x?a=1&b=%20", "GET /api/x?a=1&b=%20 HTTP/1.1"),
        ("", "/api/a%2Fb%20c", "GET /api/a%2Fb%20c HTTP/1.1"),
        ("/v2", "/api/x", "GET /v2/api/x HTTP/1.1"),
        ("/v2/", "/api/x", "GET /v2/api/x HTTP/1.1"),
        ("", "/api/x?a=\xe9&b=%E9", "GET /api/x?a=%E9&b=%E9 HTTP/1.1"),
        ("", "/api/x?a=\x01\x7f b", "GET /api/x?a=%01%7F%20b HTTP/1.1"),
        ("", "/api/\xce\xbe", "GET /api/%CE%BE HTTP/1.1"),
    ],
)
async def test_the_path_is_handed_on_as_it_came_below_that_of_the_url(remote, base, target, line):
    assert (await asked(remote(echo), target, base=base)).json()["line"] == line


@pytest.mark.parametrize("target", ["/api/../x", "/api/%2e%2e/x", "/api/./x", "/.."])
async def test_a_path_that_would_climb_out_of_the_url_is_refused(remote, target):
    with pytest.raises(UpstreamError) as caught:
        await asked(remote(echo), target, base="/v2")
    assert caught.value.status == 400


@pytest.mark.parametrize("target", ["/" + "x" * 70_000, "/x?" + "x" * 70_000, "/x?" + "\xe9" * 25_000])
async def test_a_target_that_is_too_long_is_refused_as_such(remote, target):
    with pytest.raises(UpstreamError, match="too long for far") as caught:
        await asked(remote(echo), target)
    assert caught.value.status == 414


async def test_a_path_without_its_raw_form_is_encoded(remote):
    request = scope("/api/x") | {"path": "/api/\u03be y", "raw_path": None}
    async with running(RemoteUpstream("far", remote(echo).url)) as upstream:
        connection = Connection(upstream.entry, request)
        connection.body()
        assert (await connection.done()).json()["line"] == "GET /api/%CE%BE%20y HTTP/1.1"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_the_method_is_handed_on(remote, method):
    assert (await asked(remote(echo), "/x", method)).json()["line"].startswith(f"{method} /x ")


async def test_a_body_is_handed_on(remote):
    found = await asked(remote(echo), "/x", "POST", body=b"payload", headers={"Content-Length": "7"})
    assert (found.json()["body"], found.json()["headers"]["content-length"]) == ("payload", "7")


async def test_a_body_is_streamed_as_it_comes(remote):
    server = remote()
    async with running(RemoteUpstream("far", server.url)) as upstream:
        connection = Connection(upstream.entry, scope("/x", "POST", headers={"Transfer-Encoding": "chunked"}))
        connection.body(b"first", more=True)
        peer = await asyncio.to_thread(server.peer)
        await asyncio.to_thread(peer.until, b"5\r\nfirst\r\n")
        connection.body(b"last")
        await asyncio.to_thread(peer.until, b"4\r\nlast\r\n0\r\n\r\n")
        peer.answer(b"thanks")
        assert (await connection.done()).body == b"thanks"


@pytest.mark.parametrize("version", ["1.0", "1.1", "2", "3"])
async def test_a_request_without_a_body_announces_none(remote, version):
    headers = (await asked(remote(echo), "/x", http_version=version)).json()["headers"]
    assert not {"content-length", "transfer-encoding"} & headers.keys()


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize("parts", [[b"", b"payload"], [b"pay", b"load"], [b"payload"]], ids=len)
async def test_a_body_that_http_2_need_not_announce_is_handed_on(remote, version, parts):
    server = remote()
    async with running(RemoteUpstream("far", server.url)) as upstream:
        connection = Connection(upstream.entry, scope("/x", "POST", http_version=version))
        for number, part in enumerate(parts, 1):
            connection.body(part, more=number < len(parts))
        peer = await asyncio.to_thread(server.peer)
        received = await asyncio.to_thread(peer.until, b"0\r\n\r\n")
        peer.answer(b"thanks")
        assert (await connection.done()).body == b"thanks"
    assert (
        received.partition(b"\r\n\r\n")[2] == b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts if p) + b"0\r\n\r\n"
    )


async def test_a_client_that_leaves_before_it_is_known_whether_there_is_a_body_is_gone(remote):
    async with running(RemoteUpstream("far", remote(echo).url)) as upstream:
        connection = Connection(upstream.entry, scope("/x", "POST", http_version="2"))
        connection.leave()
        with pytest.raises(ClientGone):
            await connection.done()


@pytest.mark.parametrize(
    ("name", "value", "handed_on"),
    [
        ("X-Custom", "1", True),
        ("Cookie", "a=1", True),
        ("Authorization", "Bearer x", True),
        ("Host", "testserver", True),
        ("Keep-Alive", "timeout=5", False),
        ("TE", "trailers", False),
        ("Upgrade", "h2c", False),
        ("Proxy-Authorization", "Basic x", False),
        ("X-Named", "1", False),
    ],
)
async def test_headers_of_one_connection_are_not_handed_on(remote, name, value, handed_on):
    headers = (await asked(remote(echo), "/x", headers={name: value, "Connection": "close, X-Named"})).json()["headers"]
    assert (headers.get(name.lower()) == value.lower()) is handed_on


@pytest.mark.parametrize(
    ("name", "value"),
    [("Host", "testserver"), ("Cookie", "a=1"), ("Authorization", "Basic x"), ("Content-Length", "7")],
)
async def test_what_is_meant_for_the_service_is_handed_on_whatever_connection_names(remote, name, value):
    headers = {name: value, "Connection": f"close, {name}, {name.upper()}"}
    body = b"payload" if name == "Content-Length" else b""
    seen = (await asked(remote(echo), "/x", "POST", body=body, headers=headers)).json()
    assert (seen["headers"][name.lower()], seen["body"]) == (value.lower(), body.decode())


@pytest.mark.parametrize("name", ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"])
async def test_what_the_gateway_says_is_handed_on_whatever_connection_names(remote, name):
    assert name in (await asked(remote(echo), "/x", headers={"Connection": name})).json()["headers"]


@pytest.mark.parametrize("sent", [{}, {"X-Trace": "mine"}], ids=["the gateway's", "the caller's"])
async def test_the_request_id_is_handed_on_whatever_connection_names(remote, gateway, sent):
    routes = [{"name": "far", "prefix": "/far", "service": "far", "claim": "all"}]
    tables = {"services": {"far": {"url": remote(echo).url}}, "routes": routes, "gateway": {"request_id": "X-Trace"}}
    async with running(gateway(**tables)) as app:
        found = await ask(app, "/far/x", headers={"Connection": "x-trace"} | sent)
    assert found.json()["headers"]["x-trace"] == found["x-trace"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("forwarded", None),
        ("x-real-ip", None),
        ("x-gateway-mirror", None),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "testserver"),
        ("x-forwarded-prefix", None),
        ("x-forwarded-anything", None),
    ],
)
async def test_forwarded_headers_say_what_the_gateway_knows_and_not_what_the_client_claims(remote, name, value):
    claimed = {name.title(): "spoofed"}
    assert (await asked(remote(echo), "/x", headers=claimed)).json()["headers"].get(name) == value


@pytest.mark.parametrize("place", [None, ("/run/gateway.sock", None)])
async def test_of_a_unix_socket_no_address_and_no_port_is_told(remote, place):
    headers = (await asked(remote(echo), "/x", client=None, server=place)).json()["headers"]
    assert headers.keys() & {"x-forwarded-for", "x-forwarded-port"} == set()
    assert headers["x-forwarded-host"] == "testserver"


async def test_one_that_was_never_started_can_be_stopped():
    await RemoteUpstream("far", "http://127.0.0.1:9").shutdown()


async def test_a_mirror_says_that_it_is_one(remote):
    async with running(RemoteUpstream("far", remote(echo).url)) as upstream:
        connection = Connection(upstream.entry, scope("/api/x") | {MIRROR: True})
        connection.body()
        assert (await connection.done()).json()["headers"]["x-gateway-mirror"] == "1"


@pytest.mark.parametrize(
    "raw",
    [b"/shop/api/x?ignored", b"/api/x", b"/shop/shop/api/x"],
    ids=["proxy leaves it", "proxy strips", "proxy leaves it and the server adds it"],
)
async def test_the_root_path_is_named_beside_the_path_and_not_in_it(remote, raw):
    request = scope("/api/x") | {"root_path": "/shop", "path": "/shop/api/x", "raw_path": raw.partition(b"?")[0]}
    async with running(RemoteUpstream("far", remote(echo).url)) as upstream:
        connection = Connection(upstream.entry, request)
        connection.body()
        seen = (await connection.done()).json()
    assert (seen["line"], seen["headers"]["x-forwarded-prefix"]) == ("GET /api/x HTTP/1.1", "/shop")


async def test_an_absolute_target_is_handed_on_as_a_path(remote):
    request = scope("/api/x") | {"raw_path": b"http://testserver/api/x"}
    async with running(RemoteUpstream("far", remote(echo).url)) as upstream:
        connection = Connection(upstream.entry, request)
        connection.body()
        assert (await connection.done()).json()["line"] == "GET /api/x HTTP/1.1"


async def test_no_header_is_added_that_the_client_did_not_send(remote):
    headers = (await asked(remote(echo), "/x", headers={"Accept-Encoding": "br"})).json()["headers"]
    assert not {"user-agent", "accept"} & headers.keys()
    assert headers["accept-encoding"] == "br"


async def test_cookies_of_one_caller_are_not_sent_with_anothers_request(remote):
    def behave(peer: Peer) -> None:
        _, headers = peer.head()
        peer.answer(headers.get("cookie", "none").encode(), "Set-Cookie: sessionid=first")

    async with running(RemoteUpstream("far", remote(behave).url)) as upstream:
        answers = [(await ask(upstream.entry, "/x")).text for _ in range(2)]
    assert answers == ["none", "none"]


async def test_a_proxy_of_the_machine_is_not_used(remote, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert (await asked(remote(echo), "/x")).status == 200


# -- answers ------------------------------------------------------------------------------------


def answering(body: bytes, *lines: str, status: str = "200 OK"):
    def behave(peer: Peer) -> None:
        peer.head()
        peer.answer(body, *lines, status=status)

    return behave


@pytest.mark.parametrize("status", ["201 Created", "404 Not Found", "418 Teapot", "500 Oops", "503 Busy"])
async def test_any_status_is_handed_on(remote, status):
    assert (await asked(remote(answering(b"x", status=status)), "/x")).status == int(status[:3])


async def test_redirects_are_the_clients_to_follow(remote):
    found = await asked(remote(answering(b"", "Location: /elsewhere", status="302 Found")), "/x")
    assert (found.status, found["location"]) == (302, "/elsewhere")


async def test_repeated_headers_stay_apart(remote):
    found = await asked(remote(answering(b"", "Set-Cookie: a=1", "Set-Cookie: b=2")), "/x")
    assert found.all("set-cookie") == ["a=1", "b=2"]


async def test_a_header_with_bytes_outside_ascii_is_handed_on(remote):
    assert (await asked(remote(answering(b"", "X-Name: caf\xe9")), "/x"))["x-name"] == "café"


async def test_a_compressed_body_is_handed_on_as_it_is(remote):
    found = await asked(remote(answering(b"\x1f\x8bnot really", "Content-Encoding: gzip")), "/x")
    assert (found.body, found["content-encoding"]) == (b"\x1f\x8bnot really", "gzip")


@pytest.mark.parametrize("line", ["Keep-Alive: 5", "Upgrade: h2c", "Proxy-Authenticate: Basic", "Trailer: X"])
async def test_headers_of_the_other_connection_are_not_handed_on(remote, line):
    assert (await asked(remote(answering(b"", line)), "/x"))[line.partition(":")[0]] is None


async def test_the_first_part_of_an_answer_is_sent_before_the_last_is_there(remote):
    server = remote()
    async with running(RemoteUpstream("far", server.url)) as upstream:
        connection = Connection(upstream.entry, scope("/x"))
        connection.body()
        peer = await asyncio.to_thread(server.peer)
        await asyncio.to_thread(peer.head)
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert (await connection.until(2))[1]["body"] == b"first"
        peer.send(b"4\r\nlast\r\n0\r\n\r\n")
        assert (await connection.done()).body == b"firstlast"


async def test_head_has_no_body(remote):
    def behave(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n")

    found = await asked(remote(behave), "/x", "HEAD")
    assert (found["content-length"], found.body, found.complete) == ("10", b"", True)


async def test_an_answer_before_the_end_of_the_body_is_handed_on(remote):
    def behave(peer: Peer) -> None:
        peer.until(b"first")
        peer.answer(b"no more", status="413 Content Too Large")
        peer.is_left()

    async with running(RemoteUpstream("far", remote(behave).url)) as upstream:
        connection = Connection(upstream.entry, scope("/x", "POST", headers={"Content-Length": "9"}))
        connection.body(b"first", more=True)
        connection.body(b"last")
        found = await connection.done()
    assert (found.status, found.body) == (413, b"no more")


# -- failures -----------------------------------------------------------------------------------


def nobody() -> str:
    """A URL where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


async def test_a_server_that_is_down_is_a_bad_gateway():
    upstream = RemoteUpstream("far", nobody())
    with pytest.raises(UpstreamError, match=r"far at http://.* can't be reached") as caught:
        async with running(upstream):
            await ask(upstream.entry, "/x")
    assert caught.value.status == 502


@pytest.mark.parametrize("sent", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-"], ids=repr)
async def test_a_server_that_speaks_no_http_is_a_bad_gateway(remote, sent):
    def behave(peer: Peer) -> None:
        peer.head()
        peer.send(sent)

    with pytest.raises(UpstreamError) as caught:
        await asked(remote(behave), "/x")
    assert caught.value.status == 502


async def test_a_server_that_does_not_answer_in_time_is_a_gateway_timeout(remote):
    upstream = RemoteUpstream("far", remote().url, timeout=0.05)
    with pytest.raises(UpstreamError, match="did not answer in time") as caught:
        async with running(upstream):
            await ask(upstream.entry, "/x")
    assert caught.value.status == 504


@pytest.mark.slow
async def test_an_answer_that_has_started_may_take_its_time(remote):
    server = remote()
    async with running(RemoteUpstream("far", server.url, timeout=0.2)) as upstream:
        connection = Connection(upstream.entry, scope("/x"))
        connection.body()
        peer = await asyncio.to_thread(server.peer)
        await asyncio.to_thread(peer.head)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        await connection.until(1)
        await asyncio.wait([connection.task], timeout=0.5)
        peer.send(b"late")
        assert (await connection.done()).body == b"late"


async def test_a_server_that_dies_in_the_middle_is_not_mistaken_for_a_whole_answer(remote):
    def behave(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    async with running(RemoteUpstream("far", remote(behave).url)) as upstream:
        connection = Connection(upstream.entry, scope("/x"))
        connection.body()
        await asyncio.wait([connection.task])
    assert connection.task.exception() is not None
    assert connection.messages[-1] == {"type": "http.response.body", "body": b"half", "more_body": True}


# -- clients that leave -------------------------------------------------------------------------


async def test_a_client_that_leaves_in_the_middle_of_an_answer_ends_the_request_there(remote):
    server = remote()
    async with running(RemoteUpstream("far", server.url)) as upstream:
        connection = Connection(upstream.entry, scope("/x"))
        connection.body()
        peer = await asyncio.to_thread(server.peer)
        await asyncio.to_thread(peer.head)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await connection.until(2)
        connection.leave()
        await connection.done()
        assert await asyncio.to_thread(peer.is_left)


@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {}), ("POST", {"Content-Length": "4"})], ids=["without a body", "with a body"]
)
async def test_a_client_that_leaves_before_the_answer_ends_the_request_there(remote, method, headers):
    server = remote()
    async with running(RemoteUpstream("far", server.url)) as upstream:
        connection = Connection(upstream.entry, scope("/x", method, headers=headers))
        connection.body(b"body" if headers else b"")
        peer = await asyncio.to_thread(server.peer)
        await asyncio.to_thread(peer.until, b"body" if headers else b"\r\n\r\n")
        connection.leave()
        await asyncio.wait([connection.task], timeout=5)
        assert connection.task.done()
        assert await asyncio.to_thread(peer.is_left)
    assert isinstance(connection.task.exception(), ClientGone | None)


async def test_a_client_that_leaves_in_the_middle_of_its_body_ends_the_request_there(remote):
    server = remote()
    async with running(RemoteUpstream("far", server.url)) as upstream:
        connection = Connection(upstream.entry, scope("/x", "POST", headers={"Content-Length": "100"}))
        connection.body(b"half", more=True)
        peer = await asyncio.to_thread(server.peer)
        await asyncio.to_thread(peer.until, b"half")
        connection.leave()
        with pytest.raises(ClientGone):
            await connection.done()
        assert await asyncio.to_thread(peer.is_left)


# -- the rest -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "status"), [(10, 200), (11, 413)])
async def test_a_body_over_the_limit_is_refused(remote, size, status):
    headers = {"Content-Length": str(size)}
    async with running(RemoteUpstream("far", remote(echo).url, max_body=10)) as upstream:
        assert (await ask(upstream.entry, "/x", "POST", body=b"x" * size, headers=headers)).status == status


async def test_a_socket_is_closed_before_it_opens(remote):
    async with running(RemoteUpstream("far", nobody())) as upstream:
        (closed,) = await open_socket(upstream.entry, "/x")
    assert closed["type"] == "websocket.close"


async def test_without_a_lifespan_the_first_request_opens_the_pool(remote):
    upstream = RemoteUpstream("far", remote(echo).url)
    assert (await ask(upstream.entry, "/x")).status == 200
    await upstream.shutdown()


async def test_the_gateway_answers_502_for_a_service_that_is_down(gateway):
    routes = [{"name": "far", "prefix": "/api", "service": "far", "claim": "all"}]
    async with running(gateway(services={"far": {"url": nobody()}}, routes=routes)) as app:
        found = await ask(app, "/api/x")
    assert (found.status, found.text, found["x-served-by"]) == (502, "Bad Gateway", "far")


def test_a_remote_service_cannot_be_asked_and_shows_its_url():
    upstream = RemoteUpstream("far", "http://127.0.0.1:9/base")
    assert (upstream.endpoints(), repr(upstream)) == (None, "RemoteUpstream('far', 'http://127.0.0.1:9/base')")
