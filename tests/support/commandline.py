"""Fixtures: the command line in this process, and as a user has it. A conftest.py that wants them imports them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from typer.testing import CliRunner

from gateway.cli.app import app
from tests.support.console import Serving, run

CATALOG = """
[legacy]
settings = "legacy.settings"
threads = 4

[services.catalog]
app = "tests.cli.services:catalog"
middleware = "none"

[services.pricing]
url = "http://127.0.0.1:9"

[[routes]]
name = "catalog"
prefix = "/api"
methods = ["GET", "WEBSOCKET"]
service = "catalog"

[[routes]]
name = "price"
path = "/api/prices/{sku}"
service = "pricing"
claim = "all"
stage = "legacy"
"""

ROLLOUT = """
[legacy]
settings = "legacy.settings"
threads = 4

[services.catalog]
app = "tests.cli.services:catalog"
middleware = "none"

[[routes]]
name = "catalog"
prefix = "/api"
service = "catalog"
stage = "canary"
weight = 30
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])  # building a gateway adds its folder
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def invoke(here: Path, db: None) -> Callable[..., Any]:
    """Run the command line in this process. The result has `exit_code`, `stdout` and `stderr`."""
    return lambda *arguments: CliRunner().invoke(app, arguments, prog_name="gateway")


@pytest.fixture
def catalog(here: Path) -> Path:
    """A gateway.toml with two services and two routes."""
    path = here / "gateway.toml"
    path.write_text(CATALOG)
    return path


@pytest.fixture
def rollout(here: Path) -> Callable[..., Path]:
    """Write a gateway.toml with a route "catalog" in canary at 30 %, more lines for it, and lines for `[rollout]`."""

    def written(*lines: str, common: str = "") -> Path:
        path = here / "gateway.toml"
        shared = f"[rollout]\n{common}\n" if common else ""
        path.write_text(shared + ROLLOUT + "\n".join(lines) + "\n")
        return path

    return written


@pytest.fixture(scope="session")
def startproject(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `django-admin startproject mysite` writes, as it is."""
    folder = tmp_path_factory.mktemp("startproject")
    call_command("startproject", "mysite", str(folder))
    return folder


@pytest.fixture
def project(startproject: Path, tmp_path: Path) -> Path:
    """A project of one's own, right after `django-admin startproject`."""
    return shutil.copytree(startproject, tmp_path / "project")


@pytest.fixture
def gateway(project: Path) -> Callable[..., Any]:
    """Run the real console script in the project's folder."""
    return lambda *arguments, **environment: run(project, *arguments, **environment)


@pytest.fixture
def serving(project: Path) -> Iterator[Callable[..., Serving]]:
    """Start the real `gateway serve` in the project's folder; it is stopped in the end."""
    started: list[Serving] = []

    def start(*arguments: str, **environment: str) -> Serving:
        started.append(Serving(project, *arguments, **environment))
        return started[-1]

    yield start
    for process in started:
        process.stop()
