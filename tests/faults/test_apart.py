"""What is mirrored by a process of its own can do nothing to those that serve, whatever it does to itself."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import project_toml
from tests.project.apart import DIED, GO
from tests.project.faulty import STATE, legacy_body
from tests.support.console import Running
from tests.support.server import Server, eventually

pytestmark = pytest.mark.server

TOML = project_toml(
    """
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
    + STATE
    + 'socket = "mirrors.sock"\n'
)


class Site:
    """A server, and the process that mirrors for it, which comes and goes. `folder` is theirs."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.mirrors: Running | None = None

    def start_mirrors(self) -> Running:
        """Start the other process, and wait until the server has found it."""
        self.mirrors = Running(
            self.folder, "mirrors", PROJECT_SETTINGS=json.dumps({}), PROJECT_UPLOADS=str(self.folder)
        )
        assert eventually(lambda: self.is_mirrored("fine")), self.mirrors.log
        return self.mirrors

    def ask(self, how: str) -> None:
        """Ask, and see that legacy answers as if there was nothing else."""
        reply = self.server.request(f"/faults/apart/{how}/")
        assert (reply.status, reply["x-served-by"], reply.body) == (200, "legacy", legacy_body(how))

    def is_mirrored(self, how: str) -> bool:
        """Ask, and say whether the service has been asked the same by now."""
        self.ask(how)
        return (self.folder / how).exists()

    def dropped(self) -> dict[str, int]:
        """What the server dropped."""
        counts: dict[str, int] = self.server.json("/state/")["mirrored"].get("apart", {}).get("dropped", {})
        return counts


@pytest.fixture
def site(serve: Callable[..., Server]) -> Iterator[Site]:
    with serve(TOML) as server:
        site = Site(server, server.folder)
        try:
            yield site
        finally:
            (site.folder / GO).touch()
            if site.mirrors is not None:
                site.mirrors.stop(signal.SIGKILL)


def test_a_service_that_blocks_its_event_loop_holds_no_caller_up(site):
    site.start_mirrors()
    assert eventually(lambda: site.is_mirrored("blocks"))
    for _ in range(20):  # it blocks until the end of these
        site.ask("fine")
    assert not (site.folder / GO).exists()
    (site.folder / "fine").unlink()  # that of the start
    (site.folder / GO).touch()
    assert eventually(lambda: site.is_mirrored("fine"))


def test_a_service_that_ends_its_process_ends_no_server(site):
    mirrors = site.start_mirrors()
    assert eventually(lambda: site.is_mirrored("dies"))
    assert mirrors.wait() == DIED
    assert eventually(lambda: site.ask("fine") or "away" in site.dropped())
    (site.folder / "fine").unlink(missing_ok=True)
    site.start_mirrors()  # in the place of the socket that is left


def test_mirrors_go_on_in_a_process_that_comes_later_or_again(site):
    for _ in range(3):
        site.ask("fine")
    assert site.dropped() == {"away": 3}
    for _ in range(2):
        mirrors = site.start_mirrors()
        assert (site.folder / "fine").read_text() == str(mirrors.pid)
        assert mirrors.stop() == 0
        assert not (site.folder / "mirrors.sock").exists()
        (site.folder / "fine").unlink()


def test_a_process_that_stands_still_holds_no_caller_up(site):
    """Nothing is kept for it without bound either: what it doesn't take is dropped."""
    mirrors = site.start_mirrors()
    os.kill(mirrors.pid, signal.SIGSTOP)
    for _ in range(50):
        site.ask("large")
    assert eventually(lambda: site.ask("large") or "memory" in site.dropped()), site.dropped()
    os.kill(mirrors.pid, signal.SIGCONT)
    assert eventually(lambda: site.is_mirrored("large"))
