"""A caller's leaving is nobody's failure: no traceback, whoever was about to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import project_toml
from tests.support.server import Server

pytestmark = pytest.mark.server

SERVICES = """
[services.w]
app = "tests.project.blamed:app"

[services.p]
app = "tests.project.blamed:plain"
middleware = "none"

[[routes]]
name = "w"
prefix = "/w"
service = "w"

[[routes]]
name = "p"
prefix = "/p"
service = "p"
"""
DOWNLOADS = ["/legacy/download/"] + [f"/{side}/downloads/{how}/" for side in "wp" for how in ("async", "sync", "file")]
UPLOADS = ["/legacy/upload/", "/w/upload/", "/p/upload/"]


@pytest.fixture(scope="module", params=["httptools", "h11"])
def site(request: pytest.FixtureRequest, serve: Callable[..., Server]) -> Iterator[Server]:
    settings = {"ROOT_URLCONF": "tests.project.blamed"}
    with serve(project_toml(SERVICES), "--http", request.param, settings=settings) as server:
        yield server
        assert "Traceback" not in server.stop()


def heard_since(site: Server, before: int) -> str:
    """What the server has logged, once it has dealt with all that came before."""
    assert site.request("/legacy/upload/", "POST").status == 200
    return site.log[before:]


@pytest.mark.parametrize("path", DOWNLOADS)
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_download_that_its_caller_takes_the_head_of_only(site, path, method):
    """As `curl -I` does, over a connection that closes."""
    before = len(site.log)
    for _ in range(2):
        with site.connect() as wire:
            wire.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            assert b" 200 OK" in wire.until(b"\r\n\r\n")
    assert heard_since(site, before) == ""


@pytest.mark.parametrize("path", UPLOADS)
def test_an_upload_that_breaks_off(site, path):
    before = len(site.log)
    with site.connect() as wire:
        wire.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc".encode())
    assert heard_since(site, before) == ""


@pytest.mark.parametrize("path", ["/w/socket/", "/p/socket/"])
def test_a_socket_whose_client_is_gone(site, path):
    before = len(site.log)
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    with site.connect() as wire:
        wire.send(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
        assert b" 101 " in wire.until(b"\r\n\r\n")
    assert "Traceback" not in heard_since(site, before)
