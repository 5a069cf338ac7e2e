"""Fixtures of the gateway's own tests. Their Django project and services are in `tests/project`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from gateway import Gateway
from tests.project import settings as project_settings
from tests.support.databases import known_as
from tests.support.server import Server, environment

SERVICES = """
[services.items]
app = "tests.project.services:items"
middleware = "none"
breaker = false  # one server for many tests, whose failures must not add up

[[routes]]
name = "items"
prefix = "/api"
service = "items"
"""


def project_toml(more: str = "", *, threads: int = 8, gateway: str = "") -> str:
    """A gateway.toml for the test project."""
    return f'[gateway]\n{gateway}\n[legacy]\nsettings = "tests.project.settings"\nthreads = {threads}\n{more}'


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test project's SQLite file, migrated, with a member of staff: "staff", password "staff"."""
    path = tmp_path_factory.mktemp("database") / "db.sqlite3"
    script = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', verbosity=0)\n"
        "from django.contrib.auth.models import User\n"
        "User.objects.create_superuser('staff', 'staff@example.com', 'staff')\n"
    )
    env = environment(DJANGO_SETTINGS_MODULE="tests.project.settings", PROJECT_DATABASE=str(path))
    subprocess.run([sys.executable, "-c", script], env=env, check=True)
    return path


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Callable[..., Server]:
    """Start a server; use what it returns in a `with` statement."""

    def start(toml: str, *arguments: str, **more: Any) -> Server:
        return Server(tmp_path_factory.mktemp("server"), toml, *arguments, database=database, **more)

    return start


@pytest.fixture(scope="session")
def server(serve: Callable[..., Server]) -> Iterator[Server]:
    """The test project and the service `items` below /api."""
    with serve(project_toml(SERVICES), "--http", "httptools") as server:
        yield server


@pytest.fixture(scope="session")
def h11_server(serve: Callable[..., Server]) -> Iterator[Server]:
    """As `server`, with the other HTTP parser of uvicorn."""
    with serve(project_toml(SERVICES), "--http", "h11") as server:
        yield server


@pytest.fixture(params=["httptools", "h11"])
def either(request: pytest.FixtureRequest) -> Server:
    """`server` and `h11_server` in turn: the verdict must be the same."""
    return request.getfixturevalue("server" if request.param == "httptools" else "h11_server")


@pytest.fixture(scope="session")
def narrow(serve: Callable[..., Server], database: Path) -> Iterator[Server]:
    """The test project on a single Django thread, whose connection persists."""
    default = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(database), "CONN_MAX_AGE": None}
    with serve(project_toml(SERVICES, threads=1), settings={"DATABASES": {"default": default}}) as server:
        yield server


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[str]:
    """The alias of a database that mirrors of writes may have."""
    known_as("scratch", {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "scratch.sqlite3")})
    yield "scratch"
    connections.settings.pop("scratch")


@pytest.fixture
def project(settings: Any) -> Any:
    """The test project's URLs and middleware in this process. Its database is out of reach here."""
    for name in (
        "ROOT_URLCONF",
        "MIDDLEWARE",
        "ALLOWED_HOSTS",
        "LANGUAGES",
        "LANGUAGE_CODE",
        "TIME_ZONE",
        "DEBUG",
        "TEMPLATES",
    ):
        setattr(settings, name, getattr(project_settings, name))
    return settings


@pytest.fixture
def gateway(project: Any) -> Callable[..., Gateway]:
    """Build a gateway in this process; keyword arguments are the tables of gateway.toml."""

    def build(**tables: Any) -> Gateway:
        legacy = {"settings": "legacy.settings", "threads": 4, "static": False}
        gateway = Gateway({"legacy": legacy} | tables)
        gateway.control = None  # whose threads would ask that database
        return gateway

    return build
