"""Agents from PyPI in a real server: one transaction for each request, with its template's name, and none for a mirror.

What an agent would send over the network is in a file instead (site/agents.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support.server import Server, eventually

pytestmark = [pytest.mark.server, pytest.mark.thirdparty]

TOML = """
[legacy]
settings = "tests.monitoring.site.settings"
threads = 4

[services.api]
app = "tests.monitoring.site.service:app"
breaker = false

[services.bare]
app = "tests.monitoring.site.service:bare"
middleware = "none"
breaker = false

[[routes]]
name = "mirrored"
path = "/api/mirrored/{pk}/"
service = "api"
stage = "shadow"

[[routes]]
name = "api"
prefix = "/api"
service = "api"
fallback = false

[[routes]]
name = "bare"
prefix = "/bare"
service = "bare"
fallback = false
"""
# The legacy view's name as each agent gives it, and what is asked; then the moved endpoints', as FastAPI calls them.
LEGACY = [
    ("GET", "/legacy/sync/1/", "sync"),
    ("GET", "/legacy/async/1/", "async"),
    ("GET", "/legacy/stream/1/", "stream"),
    ("GET", "/legacy/fails/1/", "fails"),
    ("GET", "/legacy/fails-async/1/", "fails-async"),
]
MOVED = [
    ("GET", "/api/sync/1/", "GET /api/sync/{pk}/"),
    ("GET", "/api/async/1/", "GET /api/async/{pk}/"),
    ("GET", "/api/stream/1/", "GET /api/stream/{pk}/"),
    ("POST", "/api/fails/1/", "POST /api/fails/{pk}/"),
    ("POST", "/api/fails-async/1/", "POST /api/fails-async/{pk}/"),
]
BARE = [
    ("GET", "/bare/sync/1/", "GET /bare/sync/{pk}/"),
    ("GET", "/bare/async/1/", "GET /bare/async/{pk}/"),
    ("GET", "/bare/fails/1/", "GET /bare/fails/{pk}/"),
]
NAMES: dict[str, Callable[[str], str]] = {
    "sentry": lambda view: f"GET /legacy/{view}/{{pk}}/",
    "otel": lambda view: f"GET legacy/{view}/<int:pk>/",
    "ddtrace": lambda view: f"GET legacy/{view}/<int:pk>/",
    "elastic": lambda view: f"GET tests.monitoring.site.views.{VIEWS.get(view, view)}",
}
VIEWS = {"async": "asynchronous", "fails-async": "fails_async"}


class Site:
    """The project with one agent in a server, and what the agent has reported."""

    def __init__(self, agent: str, server: Server, file: Path) -> None:
        self.agent = agent
        self.server = server
        self._file = file

    def reported(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._file.read_text().splitlines()]

    def roots(self) -> list[dict[str, Any]]:
        """The transactions: spans without a parent of this process, as many as requests were recorded."""
        return [line for line in self.reported() if self._is_root(line)]

    def _is_root(self, line: dict[str, Any]) -> bool:
        if self.agent == "otel":
            return line["kind"] == "SERVER"
        if self.agent == "ddtrace":
            return line["kind"] == "web" and not line["parent"] and line["priority"] in (None, 1)
        return line["kind"] == "transaction"

    def name(self, root: dict[str, Any]) -> str:
        if self.agent == "sentry":
            return f"{root['method']} {root['name']}"
        return str(root["resource"] if self.agent == "ddtrace" else root["name"])

    def error_of(self, root: dict[str, Any]) -> bool:
        """Whether an error was reported as this transaction's."""
        if self.agent in ("otel", "ddtrace"):
            return bool(root["error"])
        errors = [line for line in self.reported() if line["kind"] == "error" and line["trace"] == root["trace"]]
        if self.agent == "elastic":
            return [error["transaction"] for error in errors] == [root["span"]]
        return [error["name"] for error in errors] == [root["name"]]

    def ask(self, method: str, target: str, **more: Any) -> dict[str, Any]:
        """Ask, and wait for the transaction."""
        before = len(self.roots())
        self.server.request(target, method, body="word=x" if method == "POST" else None, headers=FORM, **more)
        assert eventually(lambda: len(self.roots()) > before), (target, self.server.log)
        return self.roots()[before]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(
    scope="module",
    params=[
        ("sentry", "settings"),
        ("sentry", "ready"),
        ("otel", "settings"),
        ("otel", "ready"),
        ("elastic", "ready"),
        ("ddtrace", "settings"),
    ],
    ids="-".join,
)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    agent, place = request.param
    folder = tmp_path_factory.mktemp(agent)
    file = folder / "reported"
    file.touch()
    variables = {"AGENT": agent, "AGENT_IN": place, "AGENT_FILE": str(file)}
    off = ("INSTRUMENTATION_TELEMETRY_ENABLED", "REMOTE_CONFIGURATION_ENABLED", "TRACE_STARTUP_LOGS")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (variables | {f"DD_{name}": "false" for name in off}).items():
            patch.setenv(name, value)
        with Server(folder, TOML) as server:
            yield Site(agent, server, file)


def test_each_request_is_one_transaction_named_by_method_and_template(site):
    asked = [(method, target, NAMES[site.agent](view)) for method, target, view in LEGACY] + MOVED
    if site.agent != "elastic":  # which watches FastAPI through a middleware of the application's own
        asked += BARE
    before = len(site.roots())
    found = [site.ask(method, target) for method, target, _ in asked]
    assert [site.name(root) for root in found] == [name for _, _, name in asked]
    assert [site.error_of(root) for root in found] == ["fails" in target for _, target, _ in asked]
    assert len({root["trace"] for root in found}) == len(asked)
    time.sleep(0.2)  # for what would come twice
    assert len(site.roots()) - before == len(asked)


def test_a_mirror_is_no_transaction(site):
    before = len(site.roots())
    mirrors = site.server.json("/seen/")["mirrors"]
    assert eventually(lambda: len(site.roots()) > before)  # that one's own, or it would be taken for the next one's
    root = site.ask("GET", "/api/mirrored/1/")
    assert eventually(lambda: site.server.json("/seen/")["mirrors"] > mirrors)
    time.sleep(0.2)  # for what the agent would say of it
    assert site.name(root) == NAMES[site.agent]("sync").replace("legacy/sync", "api/mirrored")
    assert len([one for one in site.roots()[before:] if "seen" not in site.name(one)]) == 1


def test_a_socket_is_one_transaction(site):
    before = len(site.roots())
    with connect(f"ws://127.0.0.1:{site.server.port}/api/socket/1/", proxy=None) as socket:
        assert socket.recv() == "hello"
    assert eventually(lambda: len(site.roots()) > before)
    time.sleep(0.2)  # for what would come twice
    assert len(site.roots()) == before + 1


# Only Sentry keeps processors of events, and sends the form and the user with an error.
SENTRY = pytest.mark.parametrize("site", [("sentry", "settings")], indirect=True, ids=["sentry-settings"])


@SENTRY
def test_what_an_agent_keeps_for_a_request_does_not_pile_up(site):
    def kept() -> int:
        return int(site.server.json("/seen/")["processors"])

    before = kept()
    for _ in range(10):
        for method, target in (("GET", "/legacy/sync/1/"), ("GET", "/api/sync/1/"), ("POST", "/api/fails/1/")):
            site.server.request(target, method)
    assert kept() == before


@SENTRY
def test_an_error_carries_its_own_callers_form_and_user(site):
    """Of callers whose requests are answered at the same time."""

    def ask(number: int) -> None:
        target = ("/legacy/fails", "/api/fails", "/api/fails-async")[number % 3]
        headers = FORM | {"X-Name": f"user{number}"}
        assert site.server.request(f"{target}/{number}/", "POST", body=f"word=w{number}", headers=headers).status == 500

    numbers = range(100, 118)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, numbers))
    errors = {line["error"][-1].split()[-1]: line for line in site.reported() if line["kind"] == "error"}
    found = {number: (errors[str(number)]["data"], errors[str(number)]["user"]) for number in numbers}
    assert found == {number: ({"word": f"w{number}"}, f"user{number}") for number in numbers}
