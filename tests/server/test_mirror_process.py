"""The process that `gateway serve` starts for mirrors, and keeps."""

from __future__ import annotations

import os
import signal
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.config.parse import parse
from tests.conftest import project_toml
from tests.project.apart import GO
from tests.support.console import Serving, run
from tests.support.server import eventually

pytestmark = pytest.mark.server

ROUTE = """
[services.apart]
app = "tests.project.apart:app"
middleware = "none"

[[routes]]
name = "apart"
prefix = "/faults/apart"
service = "apart"
claim = "all"
stage = "shadow"
"""
WRITES = """
[routes.mirror]
methods = ["POST"]
"""
APART = ROUTE + "\n[mirror]\nprocess = true\nlag = 10.0\n"


def is_wanted(more: str) -> bool:
    config, problems = parse(tomllib.loads(project_toml(more)))
    assert not problems
    return config.mirrors_apart


# -- when there is one ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("", False),
        (ROUTE, False),  # a mirror of a read holds no locks
        (ROUTE + WRITES + '[mirror]\ndatabase = "scratch"\n', True),
        (APART, True),
        (ROUTE + WRITES + '[mirror]\nprocess = false\ndatabase = "scratch"\n', False),
        (ROUTE + WRITES + '[mirror]\nsocket = "mirrors.sock"\ndatabase = "scratch"\n', False),  # an operator's
        ("[mirror]\nprocess = true\n", False),  # for no routes
    ],
)
def test_it_is_there_where_writes_are_mirrored_unless_the_file_says_otherwise(more, wanted):
    assert is_wanted(more) is wanted


def test_an_operator_s_process_and_the_server_s_own_exclude_each_other():
    _, problems = parse(tomllib.loads(project_toml(APART + 'socket = "mirrors.sock"\n')))
    assert [(problem.key, "socket" in problem.expected) for problem in problems] == [("mirror.process", True)]


# -- what it does -----------------------------------------------------------------------------------


class Site:
    """A server whose mirrors are made by a process beside it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        (folder / "gateway.toml").write_text(project_toml(APART))
        self.folder = folder
        self.serving = Serving(folder, *arguments, PROJECT_SETTINGS="{}", PROJECT_UPLOADS=str(folder))

    @property
    def process(self) -> int | None:
        """The number of the process that mirrors, where there is one."""
        tasks = Path(f"/proc/{self.serving.pid}/task").glob("*/children")
        for child in (child for one in tasks for child in one.read_text().split()):
            if b"--for-server" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        return None

    def is_mirrored(self) -> bool:
        """Ask for something, and say whether the service has been asked the same by now."""
        status, headers = self.serving.get("/faults/apart/fine/")
        assert (status, headers["x-served-by"]) == (200, "legacy")
        return (self.folder / "fine").exists()

    def forget(self) -> None:
        (self.folder / "fine").unlink(missing_ok=True)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    started: list[Site] = []

    def start(*arguments: str) -> Site:
        started.append(Site(tmp_path, *arguments))
        return started[-1]

    yield start
    (tmp_path / GO).touch()
    for one in started:
        one.serving.stop(signal.SIGKILL)


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


@pytest.mark.parametrize("arguments", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_it_makes_the_mirrors_of_every_worker_and_ends_with_the_server(site, arguments):
    running = site(*arguments)
    assert eventually(running.is_mirrored), running.serving.log
    assert "  mirrors     by a process beside this one ([mirror] process)\n" in running.serving.log
    assert "no mirrors until" not in running.serving.log  # it is known to come
    pid = running.process
    assert pid is not None
    assert running.serving.stop() == 0
    assert is_gone(pid)


def test_one_that_dies_is_started_again(site):
    running = site()
    assert eventually(running.is_mirrored)
    os.kill(running.process, signal.SIGKILL)
    assert eventually(lambda: "it is started again in 0.5 s" in running.serving.log)
    running.forget()
    assert eventually(running.is_mirrored), running.serving.log
    assert "The process that mirrors ended with status -9" in running.serving.log


def test_it_ends_with_a_server_that_was_killed(site):
    running = site()
    assert eventually(running.is_mirrored)
    pid = running.process
    running.serving.stop(signal.SIGKILL)
    assert eventually(lambda: is_gone(pid))


def test_a_reload_reaches_it_too(site):
    running = site("--workers", "2")
    assert eventually(running.is_mirrored)
    pid = running.process
    os.kill(running.serving.pid, signal.SIGHUP)
    assert eventually(lambda: running.serving.log.count("Starting again") == 1), running.serving.log
    running.forget()
    assert eventually(running.is_mirrored), running.serving.log
    assert running.process == pid  # the same process, with new code


def test_without_a_server_it_is_told_to_be_given_a_socket(tmp_path):
    (tmp_path / "gateway.toml").write_text(project_toml(APART))
    done = run(tmp_path, "mirrors")
    assert done.returncode == 2
    assert "names no socket for this" in done.stderr
