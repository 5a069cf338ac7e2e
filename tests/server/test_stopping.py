"""How `gateway serve` reloads and stops: nobody's request is lost, and nobody keeps it from its end."""

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as open_socket

from tests.server.callers import PATIENCE, Callers, ask, connect
from tests.server.shop import TOML
from tests.support.console import GATEWAY, Running, Serving
from tests.support.server import environment

pytestmark = pytest.mark.server

SHOP = """
import asyncio, os, time
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse

VERSION = "old"
app = FastAPI()

@app.get("/api/version")
async def version() -> str:
    return VERSION

@app.get("/api/pid")
async def pid() -> int:
    return os.getpid()

@app.get("/api/slow")
def slow() -> str:
    time.sleep(0.7)
    return VERSION

@app.get("/api/events")
async def events() -> StreamingResponse:
    async def forever():
        while True:
            yield "data: tick\\n\\n"
            await asyncio.sleep(0.05)
    return StreamingResponse(forever(), media_type="text/event-stream")

@app.websocket("/api/socket")
async def socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.receive_text()
"""
OLD, NEW = '"old"', '"new"'
ONE_OR_TWO = pytest.mark.parametrize("workers", ["1", "2"])


@pytest.fixture
def shop(project: Path) -> Path:
    """The project with a service."""
    (project / "gateway.toml").write_text(TOML)
    (project / "shop.py").write_text(SHOP)
    return project


@pytest.fixture
def serve(shop, serving):
    """Serve it with so many workers, all of which listen."""

    def start(workers: str = "1", *arguments: str) -> Serving:
        server = serving("--workers", workers, "--no-access-log", *arguments)
        server.wait_for("Application startup complete", times=int(workers))
        return server

    return start


def deploy(shop: Path, server: Running) -> None:
    """A new version, and the signal that lets it be read."""
    (shop / "shop.py").write_text(SHOP.replace('"old"', '"new"'))
    os.kill(server.pid, signal.SIGHUP)


def stream(url: str):
    """An answer that never ends, which has begun."""
    connection = connect(url)
    connection.request("GET", "/api/events")
    answer = connection.getresponse()
    assert answer.readline() == b"data: tick\n"
    return connection, answer


# -- SIGHUP: reload -----------------------------------------------------------------------------------


@ONE_OR_TWO
def test_a_reload_loses_no_request_and_waits_for_no_stream(serve, shop, workers):
    server = serve(workers, "--timeout-graceful-shutdown", "60")
    connection, answer = stream(server.url)
    with Callers(server.url, "/api/version") as callers:
        callers.until(OLD)
        deploy(shop, server)
        callers.until(NEW)
        server.wait_for("Shutting down", times=int(workers))
        time.sleep(0.3)
        assert not callers.lost
    assert callers.refused == 0
    assert {ask(server.url, "/api/version") for _ in range(10)} == {"new"}
    _stop_twice(server)
    answer.close()
    connection.close()


def _stop_twice(server: Serving) -> None:
    os.kill(server.pid, signal.SIGTERM)
    time.sleep(0.2)
    assert server.stop() == 0


@ONE_OR_TWO
def test_what_can_not_be_reloaded_leaves_everything_as_it_was(serve, shop, workers):
    server = serve(workers)
    before: set[str] = set()
    while len(before) < int(workers):  # the system may give one of them many connections in a row
        before.add(ask(server.url, "/api/pid"))
    (shop / "shop.py").write_text("raise OSError('no disk')")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for("Not reloaded; everything goes on as it was")
    assert server.log.count("OSError: no disk") == 1
    assert {ask(server.url, "/api/pid") for _ in range(20)} <= before
    (shop / "shop.py").write_text(SHOP.replace('"old"', '"new"'))
    os.kill(server.pid, signal.SIGHUP)  # the same again, mended
    with Callers(server.url, "/api/version") as callers:
        callers.until(NEW)
    assert not callers.lost


# -- SIGTERM: stop ------------------------------------------------------------------------------------


@ONE_OR_TWO
def test_no_connection_is_reset_when_it_stops(serve, workers):
    server = serve(workers)
    with Callers(server.url, "/api/version", 8) as callers:
        callers.until(OLD)
        assert server.stop() == 0
        time.sleep(0.1)
    assert not callers.lost
    assert callers.refused


def test_no_connection_of_a_unix_socket_is_reset_when_it_stops(serve, shop):
    server = serve("2", "--uds", "s.sock")
    url = f"unix:{shop}/s.sock"
    with Callers(url, "/api/version", 8) as callers:
        callers.until(OLD)
        assert server.stop() == 0
        time.sleep(0.1)
    assert not callers.lost
    assert callers.refused
    assert not (shop / "s.sock").exists()


def test_what_is_open_when_it_stops_comes_to_an_end(serve):
    server = serve("1", "--timeout-graceful-shutdown", "1")
    connection, answer = stream(server.url)
    with Callers(server.url, "/api/slow", 1) as callers:
        time.sleep(0.2)
        with open_socket(server.url.replace("http", "ws") + "/api/socket") as client:
            began = time.monotonic()
            os.kill(server.pid, signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(timeout=PATIENCE)
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    connection.close()
    assert server.wait() == 0
    assert time.monotonic() - began < 10
    assert closed.value.rcvd.code == 1012
    assert callers.answers[OLD] >= 1
    assert not callers.lost
    assert "1 requests are cut off" in server.log
    assert "Traceback" not in server.log


STARTS = {"and waits": "await asyncio.sleep(600)", "and blocks": "time.sleep(600)"}


@ONE_OR_TWO
@pytest.mark.parametrize("how", STARTS)
def test_a_start_that_never_ends_can_be_stopped(shop, workers, how):
    lifespan = f"async def lifespan(app):\n    print('starting', flush=True)\n    {STARTS[how]}\n    yield\n"
    (shop / "shop.py").write_text(SHOP.replace("app = FastAPI()", f"{lifespan}\napp = FastAPI(lifespan=lifespan)"))
    server = Running(shop, "serve", "--port", "0", "--workers", workers)
    try:
        server.wait_for("starting", times=int(workers))
        if how == "and blocks":  # the first signal waits for it, the second doesn't
            os.kill(server.pid, signal.SIGTERM)
            time.sleep(0.3)
            assert server.stop() in (0, 1)
        else:
            assert server.stop() == 0
    finally:
        server.stop(signal.SIGKILL)


ASKED = """
import signal, threading, time
from gateway.app import Gateway
from gateway.server import uvicorn as server

def refuse(thread):
    raise RuntimeError(f"{thread.name} is started")

if __name__ == "__main__":
    gateway = Gateway.from_file("gateway.toml")
    server.MARGIN = server.LAST_WORK = 0.2
    made = server.Server(server.ServerConfig(gateway, access=False), gateway, grace=0)
    signal.signal(signal.SIGTERM, made.handle_exit)
    threading.Thread.start = refuse
    signal.raise_signal(signal.SIGTERM)
    print("asked" if made.asked else "not asked", flush=True)
    time.sleep(600)
"""


def test_a_signal_starts_no_thread_and_what_blocks_the_process_is_ended_all_the_same(shop):
    """Else it may wait for a lock that what it has interrupted holds."""
    (shop / "asked.py").write_text(ASKED)
    process = subprocess.run(
        [sys.executable, "asked.py"], cwd=shop, env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )
    assert (process.returncode, process.stdout) == (1, "asked\n"), process.stderr
    assert "Ended after 0.4 seconds, with work undone" in process.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="terminals differ")
def test_it_stops_when_its_terminal_is_closed(shop):
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [GATEWAY, "serve", "--port", "0"],
        cwd=shop,
        env=environment(),
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - what threads there are hold no lock it needs
    )
    os.close(theirs)
    with process:
        while b"startup complete" not in process.stderr.readline():
            assert process.poll() is None
        os.close(ours)
        assert b"Shutting down" in process.stderr.read()
    assert process.returncode == 0
