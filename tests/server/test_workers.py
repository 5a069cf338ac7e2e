"""Workers die, hang and can't start; `gateway serve` goes on."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.server.callers import Callers, ask
from tests.server.shop import TOML
from tests.support.console import Running, Serving
from tests.support.server import eventually

pytestmark = [pytest.mark.server, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

SHOP = """
import contextlib, os
from fastapi import FastAPI

@contextlib.asynccontextmanager
async def lifespan(app):
    if os.path.exists("no disk"):
        raise OSError("no disk")
    yield

app = FastAPI(lifespan=lifespan)

@app.get("/api/pid")
async def pid() -> int:
    return os.getpid()
"""


@pytest.fixture
def shop(project: Path) -> Path:
    """The project with a service."""
    (project / "gateway.toml").write_text(TOML)
    (project / "shop.py").write_text(SHOP)
    return project


@pytest.fixture
def server(shop, serving) -> Serving:
    """It, with two workers."""
    server = serving("--workers", "2", "--no-access-log")
    server.wait_for("Application startup complete", times=2)
    return server


def workers(server: Running) -> list[int]:
    """The processes that serve."""
    pids = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(pid) for pid in pids if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]


BREAK_AND_MEND = {
    "the configuration": (
        "gateway.nonsense = 1",
        lambda shop: (shop / "gateway.toml").write_text("[gateway]\nnonsense = 1\n" + TOML),
        lambda shop: (shop / "gateway.toml").write_text(TOML),
    ),
    "a lifespan": (
        "service 'shop' failed to start: OSError: no disk",
        lambda shop: (shop / "no disk").touch(),
        lambda shop: (shop / "no disk").unlink(),
    ),
}


@pytest.mark.parametrize("what", BREAK_AND_MEND)
def test_who_can_not_come_back_takes_nobody_along(server, shop, what):
    problem, break_it, mend_it = BREAK_AND_MEND[what]
    break_it(shop)
    killed, other = workers(server)
    os.kill(killed, signal.SIGKILL)
    server.wait_for("was ended by SIGKILL")
    with Callers(server.url, "/api/pid") as callers:
        server.wait_for("A worker did not start")
        time.sleep(2)  # it is tried again
        assert set(callers.answers) == {str(other)}
        assert server.log.count(problem) == 1
        mend_it(shop)
        server.wait_for("All 2 workers serve again")
    assert not callers.lost
    assert callers.refused == 0
    assert {ask(server.url, "/api/pid") for _ in range(50)} <= set(workers(server))
    assert server.stop() == 0


def test_workers_end_with_who_started_them(server):
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    with Callers(server.url, "/api/pid") as callers:
        assert eventually(lambda: callers.refused > 10)
    assert not callers.lost


def test_a_signal_for_all_processes_at_once_resets_no_connection(server):
    """As systemd sends it, and a terminal."""
    with Callers(server.url, "/api/pid", 8) as callers:
        assert eventually(lambda: bool(callers.answers))
        for pid in (*workers(server), server.pid):
            os.kill(pid, signal.SIGTERM)
        assert server.wait() == 0
    assert not callers.lost


def test_a_worker_that_is_asked_to_end_is_replaced(server):
    with Callers(server.url, "/api/pid") as callers:
        leaving, other = workers(server)
        os.kill(leaving, signal.SIGTERM)
        server.wait_for("another one takes its place")
        server.wait_for("Application startup complete", times=3)
        assert eventually(lambda: leaving not in workers(server))
    assert not callers.lost
    assert callers.refused == 0
    assert other in workers(server)
