"""`gateway mirrors`: one process that mirrors for those that serve."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.processes import Running, run
from tests.conftest import project_toml
from tests.project import settings as project_settings
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


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


# -- starting --------------------------------------------------------------------------------------


def test_it_says_where_it_listens_and_what_for(toml, started):
    assert f"mirrors on unix:{toml.parent}/mirrors.sock (Ctrl+C stops it)\n  routes      workers\n" in started().log


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


def test_a_folder_that_is_not_there_is_named(toml):
    toml.write_text(project_toml(ROUTE + SOCKET.replace("mirrors.sock", "nowhere/mirrors.sock")))
    done = run(toml.parent, "mirrors")
    assert done.returncode == 3
    assert done.stderr == f"can't listen on {toml.parent}/nowhere/mirrors.sock: No such file or directory\n"


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


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux has this")
def test_it_runs_when_nobody_else_wants_to(started):
    running = started()
    assert eventually(lambda: os.sched_getscheduler(running.pid) == os.SCHED_IDLE)
    running.stop()
    running = started("--priority", "normal")
    assert os.sched_getscheduler(running.pid) == os.SCHED_OTHER


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
    mirrors = started(**variables)

    def compared() -> int:
        done = run(toml.parent, "status", "--json", **variables)
        [route] = json.loads(done.stdout)["routes"]
        return route["hour"]["mirrors"]["compared"]

    with Server(toml.parent, toml.read_text(), settings=settings) as server:
        assert server.json("/w/")["side"] == "legacy"
        assert eventually(lambda: compared() == 1), mirrors.log
    assert "breaking" in run(toml.parent, "diffs", "workers", **variables).stdout
