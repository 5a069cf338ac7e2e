"""A socket that is not accepted: the handshake gets the service's own answer (ASGI's denial response), or a 403."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import project_toml
from tests.project import denials
from tests.support.asgi import open_socket, running
from tests.support.server import Server

PLAIN = """
[services.plain]
app = "tests.project.denials:plain"
middleware = "none"

[[routes]]
name = "plain"
prefix = "/plain"
service = "plain"
"""
BRIDGED = """
[services.bridged]
app = "tests.project.denials:bridged"

[[routes]]
name = "bridged"
prefix = "/bridged"
service = "bridged"
"""
WITHOUT_DJANGO = '[legacy]\nwsgi = "tests.project.wsgi:hello_app"\n'
REFUSES = "tests.project.denials.refuses"
CHAINS = {"synchronous": [REFUSES], "asynchronous": ["tests.project.middleware.async_only", REFUSES]}
ANSWERS = ("raises", "denies", "denies-in-parts")
HANDSHAKE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nHost: localhost\r\n\r\n"
)


@pytest.fixture(scope="module", params=["without Django", *CHAINS])
def site(request: pytest.FixtureRequest, serve: Callable[..., Server]) -> Iterator[Server]:
    if request.param in CHAINS:
        with serve(project_toml(PLAIN + BRIDGED), settings={"MIDDLEWARE": CHAINS[request.param]}) as server:
            server.sides = ("plain", "bridged")
            yield server
    else:
        with serve(WITHOUT_DJANGO + PLAIN) as server:
            server.sides = ("plain",)
            yield server


def opened(site: Server, target: str) -> tuple[int, dict[str, str], bytes]:
    """What the handshake is answered: status, headers, body."""
    with site.connect() as wire:
        wire.send(f"GET {target} HTTP/1.1\r\n{HANDSHAKE}".encode())
        head = wire.until(b"\r\n\r\n").partition(b"\r\n\r\n")[0].decode()
        body = b"" if " 101 " in head[:20] else wire.rest().partition(b"\r\n\r\n")[2]
    first, *lines = head.split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


@pytest.mark.server
@pytest.mark.parametrize("how", ANSWERS)
def test_a_service_refuses_with_an_answer_of_its_own(site, how):
    for side in site.sides:
        status, headers, body = opened(site, f"/{side}/{how}/")
        assert (status, json.loads(body), headers["content-length"]) == (401, {"detail": "no"}, str(len(body)))
        assert (headers["www-authenticate"], headers["x-served-by"]) == ("bearer", side)
    assert "Traceback" not in site.log


@pytest.mark.server
def test_a_service_that_closes_before_it_accepts_refuses_with_403(site):
    assert [opened(site, f"/{side}/closes/")[0] for side in site.sides] == [403] * len(site.sides)


@pytest.mark.server
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_middleware_that_answers_refuses_with_403(site, when):
    expected = {"plain": 101, "bridged": 403}
    assert {side: opened(site, f"/{side}/accepts/?refused={when}")[0] for side in site.sides} == {
        side: expected[side] for side in site.sides
    }
    assert "Traceback" not in site.log


@pytest.mark.anyio
@pytest.mark.parametrize("chain", CHAINS)
async def test_a_middleware_sees_the_status_that_the_service_refuses_with(gateway, project, chain):
    project.MIDDLEWARE = CHAINS[chain]
    services = {"bridged": {"app": "tests.project.denials:bridged"}}
    routes = [{"name": "bridged", "prefix": "/bridged", "service": "bridged"}]
    async with running(gateway(services=services, routes=routes)) as app:
        denials.statuses.clear()  # the chain was tried at the start
        for how in (*ANSWERS, "closes", "accepts"):
            await open_socket(app, f"/bridged/{how}/", extensions={"websocket.http.response": {}})
    assert denials.statuses == [401, 401, 401, 403, 101]
