"""Replays on every engine: reads and writes, on copies that are gone afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.planted.test_planted import WAL
from tests.support.databases import KINDS, Database, empty_database
from tests.support.server import environment, eventually
from tests.workbench.replay.site import STAFF, USER, PlantedSite, get, visit

pytestmark = [pytest.mark.proof]

LEFT = {
    "postgres": "SELECT datname FROM pg_database WHERE datname LIKE 'gateway_replay_%'",
    "mariadb": "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'gateway_replay_%'",
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request, tmp_path_factory) -> Iterator[str]:
    """One of them, and no copies but those of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("copies")))
        patch.setattr(tempfile, "tempdir", None)
        yield request.param


@pytest.fixture(scope="module")
def database(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with empty_database(kind, tmp_path_factory.mktemp("database")) as database:
        yield database


@pytest.fixture(scope="module", autouse=True)
def others(kind: str, database: Database) -> frozenset[str]:
    """Copies of somebody else's replay, who uses this server too."""
    return frozenset() if kind == "sqlite" else frozenset(str(name) for name in database.select(LEFT[kind]))


@pytest.fixture(scope="module")
def site(kind: str, database: Database, tmp_path_factory: pytest.TempPathFactory) -> PlantedSite:
    options = {"OPTIONS": WAL} if kind == "sqlite" else {}
    return PlantedSite(tmp_path_factory.mktemp("site"), ["none", "no-error"], database.settings | options)


def left(kind: str, database: Database, others: frozenset[str]) -> list[str]:
    """Copies that are there, but for others'."""
    if kind == "sqlite":
        return [path.name for path in Path(tempfile.gettempdir()).glob("gateway_replay_*")]
    return [str(name) for name in database.select(LEFT[kind]) if name not in others]


def test_reads_and_writes_are_equal_and_nothing_is_left(kind, database, others, site):
    corpus = site.record(get("none", "books/"), *[visit("none", user) for user in (USER, STAFF) for _ in range(10)])
    with site.commands as gateway:
        result = gateway("replay", corpus, "--jobs", "2", "--json")
    assert (result.json()["counts"], result.json()["jobs"]) == ({"equal": 21, "different": 0, "skipped": 0}, 2)
    assert database.select("SELECT count(*) FROM planted_visit") == [0]
    assert left(kind, database, others) == []


def test_a_row_that_only_the_service_writes_is_found(site):
    with site.commands as gateway:
        result = gateway("replay", site.record(visit("no-error", USER, "More than ten characters")), "--json")
    said = [one["message"] for case in result.json()["cases"] for one in case["findings"]]
    assert any("the service writes to planted_visit" in message for message in said)


def test_what_a_killed_replay_leaves_is_removed(kind, database, others, site):
    if kind != "sqlite":
        execute(kind, database, "CREATE DATABASE gateway_replay_1700000000_1_default_0")
    else:
        killed(site, lambda: left(kind, database, others))
    assert left(kind, database, others)
    with site.commands as gateway:
        assert gateway("replay", "--clean").exit_code == 0
    assert left(kind, database, others) == []


def killed(site: PlantedSite, begun: Callable[[], Any]) -> None:
    """A replay that is killed once it has `begun`."""
    corpus = site.record(*[visit("none")] * 400)
    env = environment(GATEWAY_CONFIG=str(site.config), PROJECT_SETTINGS=json.dumps(site.settings))
    command = [sys.executable, "-m", "gateway", "replay", corpus]
    running = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert eventually(begun)
    running.kill()
    running.wait()


def execute(kind: str, database: Database, statement: str) -> None:
    """On the server, and in no transaction."""
    place = {"host": database.settings["HOST"], "port": database.settings["PORT"], "user": database.settings["USER"]}
    if kind == "postgres":
        with psycopg.connect(**place, dbname="postgres", autocommit=True) as server:
            server.execute(statement)
    else:
        with closing(import_module("MySQLdb").connect(**place)) as server:
            server.cursor().execute(statement)
