"""`gateway mirrors`: one process that mirrors for those that serve."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import project_toml
from tests.project import settings as project_settings
from tests.support.console import Running, run
from tests.support.server import Server, environment, eventually

pytestmark = pytest.mark.server

ROUTE = """
[services.workers]
app = "tests.control.site:app"
middleware = "none"

[[routes]]
name = "workers"
prefix = "/w"
service = "workers"
stage = "shadow"
"""
SOCKET = """
[mirror]
socket = "mirrors.sock"
lag = 10.0
"""
SLOW = """
[services.slow]
app = "slowly:app"
middleware = "none"
"""
SLOWLY = """
import asyncio, contextlib, os
from fastapi import FastAPI

async def wait(when):
    while when == "{when}" and not os.path.exists("{gate}"):
        await asyncio.sleep(0.01)

@contextlib.asynccontextmanager
async def lifespan(app):
    await wait("start")
    yield
    await wait("stop")

app = FastAPI(lifespan=lifespan)
"""
UNSTARTABLE = """
[services.unstartable]
app = "tests.project.services:fails_to_start"
middleware = "none"
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(project_toml(ROUTE + SOCKET))
    return path


@pytest.fixture
def started(toml: Path):
    """Start `gateway mirrors`, and wait until it listens."""
    running = []

    def start(*arguments: str, **variables: str) -> Running:
        running.append(Running(toml.parent, "mirrors", *arguments, **variables))
        assert eventually(lambda: listens(toml.with_name("mirrors.sock"))), running[-1].log
        return running[-1]

    yield start
    for one in running:
        one.stop(signal.SIGKILL)


@pytest.fixture
def slow_to(toml: Path):
    """Let a service take its time to start or to stop, until what this returns is called."""
    gate = toml.with_name("released")

    def slow(when: str):
        toml.with_name("slowly.py").write_text(SLOWLY.format(when=when, gate=str(gate)))
        toml.write_text(project_toml(ROUTE + SLOW + SOCKET))
        return gate.touch

    yield slow
    gate.touch()


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


# -- starting --------------------------------------------------------------------------------------


def test_it_says_where_it_listens_and_what_for(toml, started):
    started().wait_for(f"mirrors on unix:{toml.parent}/mirrors.sock (Ctrl+C stops it)\n  routes      workers\n")


def test_a_configuration_without_a_socket_is_told_what_to_write(toml):
    toml.write_text(project_toml(ROUTE))
    done = run(toml.parent, "mirrors")
    assert done.returncode == 2
    assert 'write [mirror] and socket = "run/mirrors.sock" there' in done.stderr


def test_a_socket_that_is_in_use_is_left_to_its_owner(toml, started):
    started()
    done = run(toml.parent, "mirrors")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"{toml.parent}/mirrors.sock is in use; choose another with [mirror] socket\n"
    assert listens(toml.with_name("mirrors.sock"))


def test_the_folder_of_the_socket_is_made_for_its_user_alone(toml):
    toml.write_text(project_toml(ROUTE + SOCKET.replace("mirrors.sock", "run/mirrors.sock")))
    running = Running(toml.parent, "mirrors")
    assert eventually(lambda: listens(toml.parent / "run/mirrors.sock")), running.log
    assert (toml.parent / "run").stat().st_mode & 0o777 == 0o700
    assert running.stop() == 0


def test_a_folder_that_is_a_file_is_told(toml):
    toml.with_name("run").write_text("mine")
    toml.write_text(project_toml(ROUTE + SOCKET.replace("mirrors.sock", "run/mirrors.sock")))
    done = run(toml.parent, "mirrors")
    assert done.returncode == 3
    assert done.stderr == f"can't use the folder {toml.parent}/run: File exists\n"


def test_what_is_no_socket_is_left_alone(toml):
    toml.with_name("mirrors.sock").write_text("mine")
    done = run(toml.parent, "mirrors")
    assert done.returncode == 3
    assert done.stderr.endswith("mirrors.sock: there is something else, which is no socket\n")
    assert toml.with_name("mirrors.sock").read_text() == "mine"


def test_a_path_that_is_too_long_is_told_before_anything_starts(toml):
    toml.write_text(project_toml(ROUTE + SOCKET.replace("mirrors.sock", "x" * 100)))
    for command in ("mirrors", "check", "serve"):
        done = run(toml.parent, command)
        assert done.returncode == 3
        assert "a path of 103 bytes at most, with the folder that it is relative to" in done.stderr + done.stdout


def test_of_two_that_start_at_once_the_second_is_told(toml, started, slow_to):
    slow_to("start")
    first = started()
    done = run(toml.parent, "mirrors")
    assert done.returncode == 3
    assert "is in use" in done.stderr
    assert "mirrors are taken" not in first.log  # still


def test_it_can_be_stopped_while_it_starts(toml, started, slow_to):
    slow_to("start")
    assert started().stop() == 0
    assert not toml.with_name("mirrors.sock").exists()


def test_the_socket_of_another_is_left_to_it(toml, started):
    first = started()
    toml.with_name("mirrors.sock").unlink()  # by who cleans up
    second = started()
    assert first.stop() == 0
    assert listens(toml.with_name("mirrors.sock"))
    assert second.stop() == 0


def test_another_may_start_while_it_stops(toml, started, slow_to):
    release = slow_to("stop")
    first = started()
    first.wait_for("mirrors are taken")
    os.kill(first.pid, signal.SIGTERM)
    assert eventually(lambda: not toml.with_name("mirrors.sock").exists())
    second = started()
    second.wait_for("mirrors are taken")
    release()
    assert first.wait() == 0
    assert listens(toml.with_name("mirrors.sock"))
    assert second.stop() == 0


def test_a_service_that_does_not_start_ends_it(toml):
    toml.write_text(project_toml(ROUTE + UNSTARTABLE + SOCKET))
    done = run(toml.parent, "mirrors")
    assert done.returncode == 3
    assert "service 'unstartable' failed to start" in done.stderr
    assert not toml.with_name("mirrors.sock").exists()


# -- running ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(toml, started, number):
    assert started().stop(number) == 0
    assert not toml.with_name("mirrors.sock").exists()


def test_a_hangup_starts_it_again_where_its_configuration_holds(toml, started):
    running, good = started("--priority", "normal"), toml.read_text()
    toml.write_text("[nonsense]\n" + good)
    os.kill(running.pid, signal.SIGHUP)
    running.wait_for("Not reloaded; everything goes on as it was")
    assert "nonsense" in running.log
    assert listens(toml.with_name("mirrors.sock"))
    toml.write_text(good)
    os.kill(running.pid, signal.SIGHUP)
    running.wait_for("Starting again")
    running.wait_for("mirrors are taken", times=2)
    assert running.stop() == 0
    assert not toml.with_name("mirrors.sock").exists()


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux has this")
def test_it_runs_when_nobody_else_wants_to(started):
    running = started("--priority", "idle")
    assert eventually(lambda: os.sched_getscheduler(running.pid) == os.SCHED_IDLE)
    running.stop()
    running = started("--priority", "normal")
    running.wait_for("mirrors are taken")
    assert os.sched_getscheduler(running.pid) == os.SCHED_OTHER


def policies(pid: int) -> Counter[int]:
    """How many threads of a process the system schedules in which way."""
    return Counter(os.sched_getscheduler(int(thread.name)) for thread in Path(f"/proc/{pid}/task").iterdir())


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux has this")
@pytest.mark.parametrize(("engine", "steps_back"), [("postgresql", True), ("mysql", True), ("sqlite3", False)], ids=str)
def test_it_steps_back_unless_callers_would_wait_for_its_locks(started, engine, steps_back):
    """What looks for who waits for a mirror's locks never does: with a low priority, it would be too late."""
    settings = {"DATABASES": {"default": {"ENGINE": f"django.db.backends.{engine}", "NAME": "unasked"}}}
    variables = {"PROJECT_SETTINGS": json.dumps(settings), "DJANGO_SETTINGS_MODULE": "tests.project.settings"}
    running = started(**variables)
    running.wait_for("mirrors are taken")
    assert (os.sched_getscheduler(running.pid) == os.SCHED_IDLE) == steps_back
    assert policies(running.pid)[os.SCHED_OTHER] >= 1


def test_only_its_user_and_group_may_send_to_it(toml, started):
    started()
    assert toml.with_name("mirrors.sock").stat().st_mode & 0o777 == 0o660


def test_what_it_finds_is_in_the_status(toml, started, tmp_path):
    settings = {
        "ROOT_URLCONF": "tests.control.site",
        "INSTALLED_APPS": [*project_settings.INSTALLED_APPS, "gateway.control"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}},
    }
    variables = {"PROJECT_SETTINGS": json.dumps(settings), "DJANGO_SETTINGS_MODULE": "tests.project.settings"}
    env = environment(**variables)
    subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], env=env, check=True)
    mirrors = started("--priority", "normal", **variables)
    mirrors.wait_for("mirrors are taken")

    def compared() -> int:
        assert server.json("/w/")["side"] == "legacy"
        done = run(toml.parent, "status", "--json", **variables)
        [route] = json.loads(done.stdout)["routes"]
        return route["hour"]["mirrors"]["compared"]

    with Server(toml.parent, toml.read_text(), settings=settings) as server:
        assert eventually(lambda: compared() >= 1), mirrors.log
    assert "breaking" in run(toml.parent, "diffs", "workers", **variables).stdout
