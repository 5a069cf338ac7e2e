"""Four workers and several operators, each a process, on one database.

How long a rollback takes to reach all workers is logged:

    pytest tests/control/test_workers.py -k rollback_reaches -o log_cli=true -o log_cli_level=INFO
"""

from __future__ import annotations

import json
import logging
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import project_toml
from tests.project import settings as project_settings
from tests.support.postgres import Postgres, postgres_database
from tests.support.server import Server, environment, eventually

pytestmark = [pytest.mark.server, pytest.mark.slow]

logger = logging.getLogger(__name__)
WORKERS = 4
TOML = project_toml(
    """
[services.workers]
app = "tests.control.site:app"
middleware = "none"

[[routes]]
name = "workers"
prefix = "/w"
service = "workers"
stage = "legacy"
guard = { window = 10, minimum = 20 }
"""
)
SETTINGS = {
    "ROOT_URLCONF": "tests.control.site",
    "INSTALLED_APPS": [*project_settings.INSTALLED_APPS, "gateway.control"],
}


class Operator:
    """See `mover`."""

    def __init__(self, env: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tests.control.mover"]
        self._process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __call__(self, verb: str, **given: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([verb, "workers", {"who": "ana"} | given]) + "\n")
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def end(self) -> None:
        self._process.communicate(timeout=30)


class Site:
    """A database with the tables, and what runs on it. `settings` are those of every process."""

    def __init__(self, folder: Path, settings: dict[str, Any], postgres: Postgres | None) -> None:
        self.folder = folder
        self.settings = SETTINGS | settings
        self.postgres = postgres
        (folder / "gateway.toml").write_text(TOML)
        self.env = environment(
            DJANGO_SETTINGS_MODULE="tests.project.settings",
            PROJECT_SETTINGS=json.dumps(self.settings),
            GATEWAY_CONFIG=str(folder / "gateway.toml"),
        )
        subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], env=self.env, check=True)
        self._operators: list[Operator] = []

    def operator(self) -> Operator:
        self._operators.append(Operator(self.env))
        return self._operators[-1]

    @contextmanager
    def serve(self, workers: int = WORKERS) -> Iterator[Server]:
        with Server(self.folder, TOML, "--workers", str(workers), settings=self.settings) as server:
            assert eventually(lambda: server.log.count("Application startup complete") == workers), server.log
            assert eventually(lambda: listens(server.port))  # a moment later
            yield server

    def end(self) -> None:
        for operator in self._operators:
            operator.end()


POOL = {"OPTIONS": {"pool": {"min_size": 1, "max_size": 1, "timeout": 5}}}


@pytest.fixture(params=["postgresql", "sqlite"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "sqlite":
        default = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
        site = Site(tmp_path, {"DATABASES": {"default": default}}, None)
        yield site
        site.end()
        return
    with postgres_database() as postgres:
        site = Site(tmp_path, postgres.settings(**(POOL if request.param == "pool" else {})), postgres)
        yield site
        site.end()


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def sides(server: Server, times: int = 40) -> dict[int, str]:
    """The side that each worker took the last time, of many requests."""
    answers = [server.json("/w/") for _ in range(times)]
    return {answer["pid"]: answer["side"] for answer in answers}


def all_on(server: Server, side: str) -> Callable[[], bool]:
    return lambda: list(sides(server).values()) == [side] * WORKERS


class Load(threading.Thread):
    """Requests one after another; keeps when each was sent and which side and process answered it."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self._ending = threading.Event()
        self.answers: list[tuple[float, str, int]] = []

    def run(self) -> None:
        while not self._ending.is_set():
            sent = time.time()
            answer = self._server.json("/w/")
            self.answers.append((sent, answer["side"], answer["pid"]))

    def end(self) -> None:
        self._ending.set()
        self.join()


def test_rollback_reaches_all_workers(site: Site) -> None:
    operator = site.operator()
    with site.serve() as server:
        assert eventually(all_on(server, "legacy"))
        operator("promote", to="live")
        assert eventually(all_on(server, "service"))
        loads = [Load(server) for _ in range(4)]
        for load in loads:
            load.start()
        time.sleep(1)
        done = operator("rollback")["done"]
        arrived = eventually(all_on(server, "legacy"))
        for load in loads:
            load.end()
    assert arrived
    answers = sorted(answer for load in loads for answer in load.answers)
    assert len({pid for _, _, pid in answers}) == WORKERS
    late = [sent - done for sent, side, _ in answers if side == "service" and sent > done]
    logger.info("last answer of the service, sent after the rollback was committed: %.3f s", max(late, default=0.0))
    assert max(late, default=0.0) < 10


def test_the_second_operator_hears_of_the_first(site: Site) -> None:
    first, second = site.operator(), site.operator()
    first("promote", who="ana", why="measured", expected=0)
    refused = second("promote", who="ben", expected=0)["refused"]
    assert refused.startswith("Conflict: ana promoted 'workers' from legacy to shadow at 20")
    assert "measured" in refused


def test_a_restarted_server_goes_on_where_it_was(site: Site) -> None:
    site.operator()("promote", to="live")
    with site.serve() as server:
        assert set(sides(server).values()) == {"service"}


def test_without_tables_the_file_is_in_force(site: Site) -> None:
    subprocess.run([sys.executable, "-m", "django", "migrate", "gateway_control", "zero"], env=site.env, check=True)
    with site.serve(1) as server:
        assert set(sides(server, 3).values()) == {"legacy"}
        log = server.stop()
    assert log.count("gateway.control has no tables: run `manage.py migrate`") == 2  # both threads


def test_a_failing_service_is_rolled_back_by_itself(site: Site) -> None:
    site.operator()("promote", to="live")
    with site.serve() as server:
        assert eventually(all_on(server, "service"))
        (site.folder / "fails").touch()

        def rolled_back() -> bool:
            return [server.request("/w/").status for _ in range(20)] == [200] * 20

        assert eventually(rolled_back)
        log = server.stop()
    assert log.count("guard rolled back 'workers' from live to legacy") == 1


@pytest.mark.parametrize("site", ["pool"], indirect=True)
def test_the_threads_return_connections_to_their_pool(site: Site) -> None:
    with site.serve(1) as server:
        site.operator()("promote", to="live")
        assert eventually(lambda: set(sides(server, 3).values()) == {"service"})
        time.sleep(2)  # in which both threads have had several turns with the one connection
        log = server.stop()
    assert "the database is away" not in log
    assert "lost what was counted" not in log


# -- when the database is away -------------------------------------------------------------------


@pytest.mark.parametrize("site", ["postgresql"], indirect=True)
def test_while_the_database_is_away_the_last_stage_holds(site: Site) -> None:
    operator = site.operator()
    postgres = site.postgres
    assert postgres is not None
    operator("promote", to="live")
    with site.serve() as server:
        assert eventually(all_on(server, "service"))
        postgres.shut()
        assert eventually(lambda: server.log.count("the database is away") == 2 * WORKERS)
        assert all_on(server, "service")()
        postgres.reopen()
        assert eventually(lambda: server.log.count("the database is back") == 2 * WORKERS)
        site.operator()("rollback")
        assert eventually(all_on(server, "legacy"))
        assert server.log.count("the database is away") == 2 * WORKERS


@pytest.mark.parametrize("site", ["postgresql"], indirect=True)
def test_a_server_starts_while_the_database_is_away(site: Site) -> None:
    postgres = site.postgres
    assert postgres is not None
    site.operator()("promote", to="live")
    postgres.shut()
    with site.serve(1) as server:
        assert set(sides(server, 3).values()) == {"legacy"}
        assert "routes stand where the file says" in server.log
        postgres.reopen()
        assert eventually(lambda: set(sides(server, 3).values()) == {"service"})


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_while_sqlite_is_locked_requests_are_answered(site: Site) -> None:
    site.operator()("promote", to="live")
    with site.serve() as server:
        assert eventually(all_on(server, "service"))
        with sqlite3.connect(site.folder / "db.sqlite3", isolation_level=None) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            assert eventually(lambda: server.log.count("the database is away (database is locked)") >= WORKERS)
            assert all_on(server, "service")()
            connection.execute("ROLLBACK")
        connection.close()
        site.operator()("rollback")
        assert eventually(all_on(server, "legacy"))


def test_a_server_that_stops_stores_what_it_counted(site: Site) -> None:
    with site.serve(1) as server:
        sides(server, 7)
        server.stop()
    script = (
        "import django; django.setup()\n"
        "from gateway.control.models import CounterWindow\n"
        "print(sum(window.requests for window in CounterWindow.objects.filter(route='workers', side='legacy')))"
    )
    found = subprocess.run([sys.executable, "-c", script], env=site.env, check=True, capture_output=True, text=True)
    assert found.stdout == "7\n"
