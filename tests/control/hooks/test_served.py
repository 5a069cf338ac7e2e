"""Hooks of servers: several processes on one database, with webhooks on a socket."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.control import test_workers
from tests.control.hooks.conftest import SECRET
from tests.control.test_workers import Site, all_on
from tests.support.console import Serving, run
from tests.support.postgres import postgres_database
from tests.support.receiver import Answer, Receiver, receiving
from tests.support.server import eventually

pytestmark = [pytest.mark.server, pytest.mark.slow]

HOOKS = """
[hooks.chat]
url = "{chat}"
secret = "{secret}"
timeout = 30

[hooks.log]
url = "{log}"

[services.gone]
url = "http://127.0.0.1:9"

[[routes]]
name = "gone"
prefix = "/gone"
service = "gone"
claim = "all"
stage = "live"
"""


@pytest.fixture
def chat() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def log() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(params=["postgresql", pytest.param("sqlite", marks=pytest.mark.proof)])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, chat: Receiver, log: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    toml = test_workers.TOML + HOOKS.format(chat=chat.url, log=log.url, secret=SECRET)
    monkeypatch.setattr(test_workers, "TOML", toml)
    if request.param == "sqlite":
        default = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(tmp_path / "db.sqlite3"),
            "OPTIONS": {"timeout": 20},
        }
        site = Site(tmp_path, {"DATABASES": {"default": default}}, None)
        yield site
        site.end()
        return
    with postgres_database() as postgres:
        site = Site(tmp_path, postgres.settings(), postgres)
        yield site
        site.end()


@pytest.mark.proof
def test_a_move_is_told_once_by_one_of_the_workers(site: Site, chat: Receiver, log: Receiver) -> None:
    with site.serve():
        site.operator()("promote", to="live", why="<ready>")
        assert chat.gets("promote")
        assert log.gets("promote")
        site.operator()("rollback")
        assert chat.gets("rollback")
        assert log.gets("rollback")
    for receiver in (chat, log):
        assert receiver.types() == ["promote", "rollback"]
        assert receiver.got[0].json["data"]["why"] == "<ready>"
    assert "webhook-signature" in chat.got[0].headers
    assert chat.got[0].headers["webhook-id"] == log.got[0].headers["webhook-id"]


@pytest.mark.proof
def test_what_was_moved_while_nobody_served_is_told_by_the_next_server(site: Site, chat: Receiver) -> None:
    operator = site.operator()
    operator("promote", to="live")
    operator.end()
    site._operators.clear()
    assert chat.types() == []
    with site.serve(1):
        assert chat.gets("promote")


def test_a_rollback_does_not_wait_for_a_hook_nor_does_another_hook(site: Site, chat: Receiver, log: Receiver) -> None:
    over = threading.Event()
    chat.answer = lambda _: over.wait() and Answer()
    operator = site.operator()
    with site.serve() as server:
        operator("promote", to="live")
        assert chat.gets("promote")  # and is not answered
        assert eventually(all_on(server, "service"))
        operator("rollback")
        assert eventually(all_on(server, "legacy"))
        assert log.gets("rollback")
        # Another worker may have sent it the rollback, but none has an answer.
        assert not over.is_set()
        over.set()
        assert chat.gets("rollback")


def test_an_open_breaker_is_told(site: Site, chat: Receiver) -> None:
    with site.serve(1) as server:
        assert eventually(lambda: bool(server.request("/gone/").status) and "breaker_open" in chat.types())
    told = next(request.json["data"] for request in chat.got if request.json["type"] == "breaker_open")
    assert (told["service"], told["routes"]) == ("gone", ["gone"])
    assert told["reason"].startswith("service 'gone' rests for 5 s after failures")


@pytest.mark.proof
def test_gateway_serve_tells_what_gateway_promote_did(site: Site, chat: Receiver) -> None:
    variables = {"DJANGO_SETTINGS_MODULE": "tests.project.settings", "PROJECT_SETTINGS": json.dumps(site.settings)}
    serving = Serving(site.folder, "--workers", "2", **variables)
    try:
        done = run(site.folder, "promote", "workers", "--to", "live", "--anyway", "--why", "tested", **variables)
        assert done.returncode == 0, done.stderr
        assert chat.gets("promote")
    finally:
        serving.stop()
    assert chat.types().count("promote") == 1


def test_two_processes_deliver_each_event_once(site: Site, chat: Receiver, log: Receiver) -> None:
    operator = site.operator()
    for _ in range(10):
        operator("promote", to="live")
        operator("rollback")
    command = [sys.executable, "-m", "tests.control.hooks.claimant"]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, env=site.env, **pipes) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    for receiver in (chat, log):
        counts = Counter(request.headers["webhook-id"] for request in receiver.got)
        assert len(counts) == 20
        assert set(counts.values()) == {1}
