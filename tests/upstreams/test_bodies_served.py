"""Bodies that callers send to a real server: what it holds of them, and what it doesn't even ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.conftest import project_toml
from tests.support.server import Server, eventually

pytestmark = pytest.mark.server

MEGABYTE = 10**6
MOST = 5 * MEGABYTE
UPSTREAMS = ("legacy", "async", "bridged")
SERVICES = """
[services.bridged]
app = "tests.http1.services:bridged"

[services.plain]
app = "tests.http1.services:plain"
middleware = "none"
max_body = 5_000_000

[[routes]]
name = "bridged"
prefix = "/bridged"
service = "bridged"
claim = "all"

[[routes]]
name = "plain"
prefix = "/plain"
service = "plain"
claim = "all"
"""


@pytest.fixture(scope="module")
def bounded(serve) -> Iterator[Server]:
    """16 MB of bodies in memory, 200 MB on disk, 5 MB each."""
    toml = project_toml(SERVICES, gateway="body_memory = 16_000_000\nbody_disk = 200_000_000")
    toml = toml.replace("threads = 8", f"threads = 8\nmax_body = {MOST}")
    settings = {"ROOT_URLCONF": "tests.http1.urls", "DATA_UPLOAD_MAX_MEMORY_SIZE": None}
    with serve(toml, "--http", "gateway.http1:HttpTools", settings=settings) as server:
        yield server


def head(upstream: str, *lines: str) -> bytes:
    return "\r\n".join([f"POST /{upstream}/x HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def resident(server: Server) -> int:
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def on_disk(server: Server) -> int:
    """Bytes of files that the server has open and that have no name, as temporary ones."""
    found = 0
    for link in Path(f"/proc/{server.pid}/fd").iterdir():
        try:
            if link.readlink().name.endswith("(deleted)"):
                found += link.stat().st_size
        except FileNotFoundError:
            continue
    return found


@pytest.mark.parametrize("upstream", [*UPSTREAMS, "plain"])
def test_a_body_that_is_announced_as_too_large_is_not_asked_for(bounded, upstream):
    with bounded.connect() as wire:
        wire.send(head(upstream, f"Content-Length: {MOST + 1}", "Expect: 100-continue"))
        assert wire.rest().startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("upstream", [*UPSTREAMS, "plain"])
def test_a_body_that_turns_out_too_large_is_cut_off(bounded, upstream):
    with bounded.connect() as wire:
        wire.send(head(upstream, "Transfer-Encoding: chunked"))
        for _ in range(6):
            wire.send(b"f4240\r\n" + b"x" * MEGABYTE + b"\r\n")
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_a_body_as_large_as_may_be_arrives(bounded, upstream):
    seen = bounded.json(f"/{upstream}/x", "POST", body=b"x" * MOST)
    assert seen["body"] == "x" * MOST


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_bodies_that_wait_take_no_more_memory_than_they_may(bounded, upstream):
    before = resident(bounded)
    with ExitStack() as open_wires:
        for _ in range(150):
            wire = open_wires.enter_context(bounded.connect())
            wire.send(head(upstream, f"Content-Length: {MEGABYTE}"))
            wire.send(b"x" * (MEGABYTE - 1))
        assert eventually(lambda: on_disk(bounded) > 130 * MEGABYTE)  # 16 of 150 in memory
        assert resident(bounded) - before < 70 * MEGABYTE
    assert eventually(lambda: on_disk(bounded) == 0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_without_room_on_disk_callers_are_asked_to_come_back(bounded):
    with ExitStack() as open_wires:
        for _ in range(66):
            wire = open_wires.enter_context(bounded.connect())
            wire.send(head("legacy", f"Content-Length: {MOST}"))
            wire.send(b"x" * (MOST - 2 * MEGABYTE))
        assert eventually(lambda: on_disk(bounded) > 195 * MEGABYTE)
        wire = open_wires.enter_context(bounded.connect())
        wire.send(head("legacy", f"Content-Length: {MOST}"))
        with suppress(ConnectionError):  # it need not be read to its end to be refused
            wire.send(b"x" * MOST)
        refused = wire.until(b"\r\n\r\n")
        assert (refused.startswith(b"HTTP/1.1 503 "), b"retry-after: 1" in refused) == (True, True)
    assert eventually(lambda: on_disk(bounded) == 0)
    assert bounded.request("/legacy/x", "POST", body=b"x" * MOST).status == 200
