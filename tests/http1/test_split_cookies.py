"""HTTP/2 and 3 may split a Cookie header, and servers hand it on like that; every upstream sees one.

RFC 9113, section 8.2.3.
"""

from __future__ import annotations

import json

import pytest

from tests.http1.services import SEEN
from tests.support.asgi import Connection, ask, running, scope
from tests.support.remote import Peer, Remote

pytestmark = pytest.mark.anyio
SPLIT = [
    (b"cookie", b"a=1"),
    (b"x-one", b"first"),
    (b"cookie", b"b=2; c=3"),
    (b"x-one", b"second"),
    (b"cookie", b"d=4"),
]
WHOLE = "a=1; b=2; c=3; d=4"


@pytest.fixture
def far():
    """A remote service that answers with the Cookie lines that it got."""

    def answer(peer: Peer) -> None:
        lines = peer.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        cookies = [line.partition(": ")[2] for line in lines if line.lower().startswith("cookie:")]
        peer.answer(json.dumps(cookies).encode())

    server = Remote(answer)
    yield server.url
    server.close()


@pytest.fixture
def seeing(gateway, project, far):
    """Build a gateway before upstreams that say what they see; keyword arguments are for its routes."""
    project.ROOT_URLCONF = "tests.http1.urls"
    services = {
        "plain": {"app": "tests.http1.services:plain", "middleware": "none"},
        "bridged": {"app": "tests.http1.services:bridged"},
        "far": {"url": far},
    }

    def build(**more):
        routes = [{"name": name, "prefix": f"/{name}", "service": name, "claim": "all"} | more for name in services]
        return gateway(services=services, routes=routes)

    return build


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize("upstream", ["legacy", "async", "plain", "bridged"])
async def test_every_upstream_sees_one_cookie_header(seeing, upstream, version):
    async with running(seeing()) as app:
        seen = (await ask(app, f"/{upstream}/x", headers=SPLIT, http_version=version)).json()
    assert seen["cookie"] == WHOLE


async def test_a_remote_service_which_is_asked_in_http_1_gets_one_line(seeing):
    async with running(seeing()) as app:
        assert (await ask(app, "/far/x", headers=SPLIT, http_version="2")).json() == [WHOLE]


async def test_other_headers_keep_their_lines(seeing):
    assert "x-one" in SEEN
    async with running(seeing()) as app:
        seen = [(await ask(app, f"/{name}/x", headers=SPLIT, http_version="2")).json() for name in ("legacy", "plain")]
    assert [one["x-one"] for one in seen] == ["first,second"] * 2


async def test_a_wsgi_application_sees_one_cookie_header(gateway):
    async with running(gateway(legacy={"wsgi": "tests.project.wsgi:flask_app", "threads": 1})) as app:
        assert (await ask(app, "/echo/", headers=SPLIT, http_version="2")).json()["cookie"] == WHOLE


async def test_a_socket_of_http_2_has_one_cookie_header(seeing):
    for upstream in ("plain", "bridged"):
        async with running(seeing()) as app:
            connection = Connection(app, scope(f"/{upstream}/x", headers=SPLIT, kind="websocket", http_version="2"))
            connection.give("websocket.connect")
            seen = json.loads((await connection.until(2))[1]["text"])
            connection.give("websocket.disconnect", code=1000)
            await connection.done()
        assert seen["cookie"] == WHOLE


async def test_the_sticky_key_is_read_from_any_of_the_lines(seeing):
    async with running(seeing(stage="canary", weight=50, key="cookie:a")) as app:
        for number in range(20):
            rest = [(b"cookie", b"b=2")]
            key = (b"cookie", b"a=%d" % number)
            sides = [
                (await ask(app, "/plain/x", headers=lines, http_version="2"))["x-served-by"]
                for lines in ([key], [key, *rest], [*rest, key])
            ]
            assert len(set(sides)) == 1
