"""What probes are told, and that nothing keeps them from being told."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from gateway.config.problems import ConfigError
from gateway.observability.health import Readiness
from gateway.rollout.cohort import Caller
from tests.project import gates
from tests.support.asgi import ask, running, until

pytestmark = pytest.mark.anyio


class Time:
    """A clock that stands still."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


async def reachable() -> str | None:
    return None


async def unreachable() -> str | None:
    return "database 'default' at db.internal does not answer"


def readiness(stores: Any = reachable, **state: Any) -> Readiness:
    made = Readiness(stores, Time(), max_age=60.0)  # type: ignore[arg-type] # all that it needs of a Clock
    made.started = True
    for name, value in state.items():
        setattr(made, name, value)
    return made


async def test_a_process_that_serves_is_alive_and_ready(gateway):
    async with running(gateway()) as app:
        alive, ready = await ask(app, "/-/healthz"), await ask(app, "/-/readyz")
    assert (alive.status, alive.json()) == (200, {"status": "ok"})
    assert (ready.status, ready.json()) == (200, {"status": "ready"})
    assert ready["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("state", "lacks"),
    [
        ({}, set()),
        ({"started": False}, {"starting"}),
        ({"draining": True}, {"draining"}),
        ({"stores": unreachable}, {"stores"}),
        ({"polled": 50.0}, set()),
        ({"polled": 39.0}, {"routes"}),
        ({"draining": True, "stores": unreachable}, {"draining", "stores"}),
    ],
)
async def test_a_process_is_ready_unless_it_lacks_something(state, lacks):
    assert (await readiness(**state).lacks()).keys() == lacks


async def test_why_a_process_is_not_ready_is_in_the_log_once_and_in_a_word_on_the_page(gateway, monkeypatch, caplog):
    app = gateway()
    async with running(app):
        monkeypatch.setattr(app.readiness, "_stores", unreachable)
        answers = [await ask(app, "/-/readyz") for _ in range(3)]
        monkeypatch.setattr(app.readiness, "_stores", reachable)
        again = await ask(app, "/-/readyz")
    assert [(one.status, one.json()["lacks"]) for one in answers] == [(503, ["stores"])] * 3
    assert "db.internal" not in answers[0].text
    assert again.status == 200
    said = [one.getMessage() for one in caplog.records if "ready" in one.getMessage()]
    assert said == ["not ready: database 'default' at db.internal does not answer", "ready again"]


async def test_a_process_that_is_asked_to_end_is_not_ready_any_more(gateway):
    async with running(gateway()) as app:
        app.close_connections()
        assert (await ask(app, "/-/readyz")).json()["lacks"] == ["draining"]
        assert (await ask(app, "/-/healthz")).status == 200


async def test_they_are_answered_while_every_thread_is_busy(gateway):
    one = gateway(legacy={"settings": "legacy.settings", "threads": 1, "static": False})
    async with running(one) as app:
        waiting = asyncio.create_task(ask(app, "/waits/probed/"))
        assert await until(lambda: app.legacy.pools.views.saturated)
        assert (await ask(app, "/-/healthz")).status == 200
        gates.open_gate("probed")
        await waiting


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "evil.example"])
async def test_a_probe_may_come_by_any_host(gateway, project, host):
    """Orchestrators ask by the address of the process, which ALLOWED_HOSTS hasn't. Nothing else may."""
    project.ALLOWED_HOSTS = ["shop.example"]
    async with running(gateway(health={"version": "public"})) as app:
        asked = {path: (await ask(app, path, headers={"host": host})).status for path in ("/-/readyz", "/-/version")}
    assert asked == {"/-/readyz": 200, "/-/version": 400}


async def test_head_has_no_body_and_other_methods_are_the_projects(gateway):
    async with running(gateway()) as app:
        head = await ask(app, "/-/healthz", method="HEAD")
        post = await ask(app, "/-/healthz", method="POST")
    assert (head.status, head.body, head["content-length"]) == (200, b"", "16")
    assert (post.status, post["x-served-by"]) == (404, "legacy")


async def test_they_are_in_no_access_log(gateway, caplog):
    caplog.set_level(logging.INFO, "gateway.access")
    async with running(gateway()) as app:
        await ask(app, "/-/readyz")
        await ask(app, "/json/")
    assert [one.path for one in caplog.records if one.name == "gateway.access"] == ["/json/"]


@pytest.mark.parametrize(("caller", "served_by"), [(Caller("1", staff=True), None), (Caller("2"), "legacy")])
async def test_what_it_runs_is_for_staff(gateway, monkeypatch, caller, served_by):
    async def who(*_: Any, **__: Any) -> Caller:
        return caller

    app = gateway(services={"items": {"app": "tests.project.services:items", "middleware": "none", "release": "r7"}})
    monkeypatch.setattr(app.legacy, "caller", who)
    async with running(app):
        answer = await ask(app, "/-/version")
    assert answer["x-served-by"] == served_by
    if served_by is None:
        assert answer.json().keys() == {"gateway", "revision", "services", "python", "django"}
        assert answer.json()["services"] == {"items": "r7"}


async def test_version_can_be_for_everybody_or_nobody(gateway):
    async with running(gateway(health={"version": "public"})) as app:
        assert (await ask(app, "/-/version")).status == 200
    async with running(gateway(health={"version": False})) as app:
        assert (await ask(app, "/-/version"))["x-served-by"] == "legacy"


async def test_another_prefix_or_none(gateway):
    async with running(gateway(health={"prefix": "/ops/gateway"})) as app:
        assert (await ask(app, "/ops/gateway/healthz")).status == 200
        assert (await ask(app, "/-/healthz"))["x-served-by"] == "legacy"
    async with running(gateway(health={"prefix": False})) as app:
        assert (await ask(app, "/-/healthz"))["x-served-by"] == "legacy"


async def test_a_url_of_the_project_stays_the_projects_and_the_log_says_so(gateway, project, caplog):
    project.ROOT_URLCONF = "tests.observability.urls_with_everything"
    async with running(gateway()) as app:
        answer = await ask(app, "/-/healthz")
    assert (answer["x-served-by"], answer.text) == ("legacy", "the project's")
    assert "the project has /-/healthz, /-/readyz, /-/version: that is no probe of the gateway's" in caplog.text


def test_a_prefix_that_the_file_names_and_the_project_has_is_a_problem(gateway, project):
    project.ROOT_URLCONF = "tests.observability.urls_with_everything"
    with pytest.raises(
        ConfigError, match=r"health\.prefix = '/ops': another prefix, or false: the project has /ops/he"
    ):
        gateway(health={"prefix": "/ops"})


async def test_a_route_has_what_it_claims(gateway):
    services = {"items": {"app": "tests.project.services:items", "middleware": "none"}}
    routes = [{"name": "all", "prefix": "/-", "service": "items", "claim": "all"}]
    async with running(gateway(services=services, routes=routes)) as app:
        assert (await ask(app, "/-/healthz"))["x-served-by"] == "items"


@pytest.mark.parametrize("prefix", ["/ops/", "ops", "", "/{x}", "/a b"])
def test_a_prefix_is_a_path(gateway, prefix):
    with pytest.raises(ConfigError, match=rf"health\.prefix = '{prefix}': a path such as \"/ops\", which healthz"):
        gateway(health={"prefix": prefix})
