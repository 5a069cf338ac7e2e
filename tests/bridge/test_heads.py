"""A HEAD is answered before the stream of a service has ended. That is no leaving: all that belongs to it ends well."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import project_toml
from tests.project.heads import DATE
from tests.support.server import ROOT, Server, Wire, environment, eventually

pytestmark = pytest.mark.server

CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"
OF_BRIDGE = ("bridged", "declared", "passed", "kept")
SIDES = (*OF_BRIDGE, "plain", "far")
CHAINS = {
    "synchronous": [CONDITIONAL, "tests.project.middleware.stamp"],
    "asynchronous": [CONDITIONAL, "tests.project.middleware.async_only", "tests.project.middleware.stamp"],
}
ENDS = {
    "async": ["stream", "task", "dependency"],
    "sync": ["stream", "task", "dependency"],
    "file": ["task", "dependency"],
}


def services(far_port: int) -> str:
    more = {"kept": "one_thread = true", "plain": 'middleware = "none"'}
    tables = [f'[services.{side}]\napp = "tests.project.heads:{side}"\n{more.get(side, "")}\n' for side in SIDES[:-1]]
    tables.append(f'[services.far]\nurl = "http://127.0.0.1:{far_port}"\n')
    routes = [f'[[routes]]\nname = "{side}"\nprefix = "/{side}"\nservice = "{side}"\nclaim = "all"\n' for side in SIDES]
    return "\n".join([*tables, *routes])


@pytest.fixture(scope="module")
def far_port() -> Iterator[int]:
    """Of a process that serves `far`."""
    script = (
        "import uvicorn, socket, sys\n"
        "bound = socket.create_server(('127.0.0.1', 0)); print(bound.getsockname()[1], flush=True)\n"
        "uvicorn.Server(uvicorn.Config('tests.project.heads:far', factory=True, log_level='error')).run([bound])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.terminate()
    process.communicate()


@pytest.fixture(scope="module", params=CHAINS)
def site(request: pytest.FixtureRequest, serve: Callable[..., Server], far_port: int) -> Iterator[Server]:
    with serve(project_toml(services(far_port)), settings={"MIDDLEWARE": CHAINS[request.param]}) as server:
        yield server


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """No other test's."""
    return re.sub(r"\W+", "-", request.node.name)


def noted(site: Server, side: str, name: str) -> list[str]:
    return site.json(f"/{side}/noted/{name}/")


def head_of(wire: Wire, target: str) -> bytes:
    """What is answered to a HEAD on a connection that goes on."""
    wire.send(f"HEAD {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return wire.until(b"\r\n\r\n")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", ENDS)
def test_all_that_belongs_to_a_request_ends_well_though_its_caller_has_its_answer(site, side, kind, name):
    before = len(site.log)
    with site.connect() as wire:
        assert head_of(wire, f"/{side}/{kind}/{name}/").startswith(b"HTTP/1.1 200 ")
        assert eventually(lambda: "dependency" in str(noted(site, side, name)))
    assert noted(site, side, name) == ENDS[kind]
    assert "Traceback" not in site.log[before:]


@pytest.mark.parametrize("side", OF_BRIDGE)
def test_a_stream_in_whose_place_the_middleware_answers_is_not_one_that_its_caller_has_left(site, side, name):
    before = len(site.log)
    found = site.request(f"/{side}/dated/{name}/", headers={"If-Modified-Since": DATE})
    assert (found.status, found.body) == (304, b"")
    assert eventually(lambda: {"task", "dependency"} <= {*noted(site, side, name)}), noted(site, side, name)
    assert "Traceback" not in site.log[before:]


@pytest.mark.parametrize("side", OF_BRIDGE)
def test_the_events_of_a_stream_without_an_end_are_given_up_at_once(site, side, name):
    with site.connect() as wire:
        assert head_of(wire, f"/{side}/events/{name}/").startswith(b"HTTP/1.1 200 ")
        assert eventually(lambda: noted(site, side, name) == ["task", "dependency"])


@pytest.mark.parametrize("side", OF_BRIDGE)
def test_the_next_request_of_the_connection_does_not_wait_for_the_stream(site, side):
    with site.connect() as wire:
        head_of(wire, f"/{side}/waits/gate/")
        wire.received = b""
        wire.get(f"/{side}/opens/gate/")
        assert wire.until(b"opened")


@pytest.mark.parametrize("side", OF_BRIDGE)
def test_a_stream_that_fails_when_its_caller_has_the_answer_is_logged(site, side, name):
    with site.connect() as wire:
        assert head_of(wire, f"/{side}/fails/{name}/").startswith(b"HTTP/1.1 200 ")
        assert eventually(lambda: f"RuntimeError: {name} fails" in site.log)
