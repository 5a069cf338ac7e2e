"""The guard on a service that fails, and a database that comes and goes, with callers all the while."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import project_toml
from tests.faults.test_rollout import PLACE, STAGES, STATE, at_rest, by_legacy, recovered
from tests.project import settings as project_settings
from tests.support.operator import Operator
from tests.support.postgres import Postgres, postgres_database
from tests.support.server import Server, eventually

pytestmark = [pytest.mark.server, pytest.mark.slow]

ROLLOUT = """
[rollout]
poll = 0.05
flush = 0.2
"""
GUARD = """
[routes.guard]
window = 10.0
minimum = 5
"""
GUARDED = ["guarded-canary", "guarded-live"]


def place(name: str, app: str, stage: str, more: str = "guard = false") -> str:
    return PLACE % {"name": name, "app": app, "middleware": "django", "stage": f"{stage}\n{more}"}


def toml() -> str:
    """Routes that ask the database, one that is moved, and two that are guarded."""
    asking = "".join(place(name, "threaded", stage) for name, stage in STAGES.items())
    guarded = "".join(place(f"guarded-{name}", "app", STAGES[name], "") + GUARD for name in ("canary", "live"))
    guarded = guarded.replace("\ncooldown = 0.1", "\ncooldown = 0.1\nminimum = 100000")
    return project_toml(STATE + ROLLOUT + asking + place("moved", "app", STAGES["live"]) + guarded)


@pytest.fixture(scope="module")
def base() -> Iterator[Postgres]:
    with postgres_database() as database:
        yield database


@pytest.fixture(scope="module")
def settings_of_project(base: Postgres) -> dict[str, Any]:
    installed = [*project_settings.INSTALLED_APPS, "gateway.control"]
    return base.settings(CONN_MAX_AGE=None) | {"INSTALLED_APPS": installed}


@pytest.fixture(scope="module")
def operate(settings_of_project: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    config: Path = tmp_path_factory.mktemp("operator") / "gateway.toml"
    config.write_text(toml())
    with Operator(config, settings_of_project) as operate:
        operate("migrate")
        yield operate


@pytest.fixture(scope="module")
def controlled(
    serve: Callable[..., Server], operate: Operator, settings_of_project: dict[str, Any]
) -> Iterator[Server]:
    with serve(toml(), settings=settings_of_project) as server:
        yield server


def served_by(server: Server, place: str) -> str | None:
    return server.request(f"/faults/{place}/fine/")["x-served-by"]


@contextmanager
def outage(server: Server, base: Postgres) -> Iterator[None]:
    """The database is away for a while, and both threads of the server have noticed when it begins and when it ends."""
    away, back = "the database is away", "the database is back"
    before = server.log.count(away)
    with base.away():
        assert eventually(lambda: server.log.count(away) == before + 2)
        yield
    assert eventually(lambda: server.log.count(back) == before + 2)


def ask_all(server: Server, places: list[str], how: str, times: int = 1) -> bool:
    """Whether legacy answers all of these requests, made together."""
    with ThreadPoolExecutor(8) as pool:
        replies = pool.map(lambda place: server.request(f"/faults/{place}/{how}/"), places * times)
        return all(by_legacy(reply, how) for reply in replies)


# -- the guard -----------------------------------------------------------------------------------


def test_the_guard_rolls_failing_routes_back_by_itself_and_says_why(controlled, operate):
    def rolled_back() -> bool:
        assert ask_all(controlled, GUARDED, "raises")
        return all(served_by(controlled, place) == "legacy" for place in GUARDED)

    assert [served_by(controlled, place) for place in GUARDED] == GUARDED
    assert eventually(rolled_back)
    for name in GUARDED:
        ((who, verb, stage, why),) = operate("audit", name)
        assert (who, verb, stage) == ("guard", "rollback", "legacy")
        assert re.match(r"error rate \d+\.\d % .*over \d+ requests in 10 s; allowed 1\.0", why), why


# -- a database that is away ---------------------------------------------------------------------


def test_without_its_database_a_service_is_answered_for(controlled, base):
    for name in ("canary", "live"):
        assert eventually(lambda name=name: controlled.request(f"/faults/{name}/sync/")["x-served-by"] == name)
    with outage(controlled, base):
        assert ask_all(controlled, [*STAGES], "sync", times=20)
    for name in ("canary", "live"):
        assert eventually(lambda name=name: controlled.request(f"/faults/{name}/sync/")["x-served-by"] == name)
    assert eventually(lambda: at_rest(controlled)), controlled.json("/state/")
    assert len(base.backends()) <= controlled.json("/state/")["most_connections"] + 1  # the operator has one


def test_without_the_database_routes_stay_where_they_were_moved(controlled, base, operate):
    assert recovered(controlled, "moved")
    assert operate("rollback", "moved") == "legacy"
    assert eventually(lambda: served_by(controlled, "moved") == "legacy")
    with outage(controlled, base):
        assert ask_all(controlled, ["moved"], "fine", times=50)
    assert operate("promote", "moved", to="live") == "live"
    assert eventually(lambda: served_by(controlled, "moved") == "moved")


def test_what_was_counted_meanwhile_is_stored_when_the_database_is_back(controlled, base):
    query = (
        "SELECT coalesce(sum(requests), 0)::int FROM gateway_control_slot WHERE route = 'shadow' AND side = 'legacy'"
    )
    (before,) = base.select(query)
    with outage(controlled, base):
        assert ask_all(controlled, ["shadow"], "sync", times=25)
    assert eventually(lambda: base.select(query) == [before + 25])


def test_a_server_starts_without_the_database_and_says_what_it_could_not_store(
    serve, operate, base, settings_of_project
):
    with base.away(), serve(toml(), settings=settings_of_project) as server:
        assert [served_by(server, "moved") for _ in range(2)] == ["moved"] * 2
        server.stop()
        assert "lost what was counted: 2 requests" in server.log, server.log[-1500:]
