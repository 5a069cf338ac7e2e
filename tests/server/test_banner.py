"""What a server says when it starts."""

from __future__ import annotations

import socket

import pytest

from gateway.server.banner import banner
from gateway.workbench.runtime_states import States

MIRRORED = {"name": "items", "prefix": "/api", "service": "items", "stage": "shadow"}
ITEMS = {"app": "tests.project.services:items", "middleware": "none"}


@pytest.fixture
def said(gateway, monkeypatch):
    """The lines for such a gateway, by their first word."""
    monkeypatch.setattr("gateway.server.banner.put_in_force", lambda *_: States("declared", "the database is away"))

    def say(workers: int = 1, **tables) -> dict[str, str]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            text = banner(gateway(services={"items": ITEMS}, routes=[MIRRORED], **tables), [listening], workers=workers)
        first, *lines = text.splitlines()
        assert f"on http://127.0.0.1:{first.rpartition(' (')[0].rpartition(':')[2]} " in first
        return {line.split()[0]: line.split(None, 1)[1] for line in lines}

    return say


def test_it_names_the_project_the_services_and_the_routes(said):
    lines = said()
    assert lines["legacy"] == "legacy.settings, 4 threads"
    assert lines["services"] == "items"
    assert lines["routes"].startswith("items")
    assert lines["stages"] == "the database is away"
    assert "mirrors" not in lines


def test_it_says_how_many_workers_have_so_many_threads(said):
    assert said(workers=3)["legacy"] == "legacy.settings, 3 workers × 4 threads"


@pytest.mark.parametrize(
    ("mirror", "by"),
    [
        ({"socket": "mirrors.sock"}, 'by "gateway mirrors", on unix:'),
        ({"process": True}, "by a process beside this one"),
    ],
)
def test_it_says_who_makes_the_mirrors(said, mirror, by):
    assert said(mirror=mirror)["mirrors"].startswith(by)
