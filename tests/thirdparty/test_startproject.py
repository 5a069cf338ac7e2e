"""What a new user does first: `django-admin startproject`, a short gateway.toml, `gateway serve`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.thirdparty.project import GATEWAY, Project, Server

pytestmark = [pytest.mark.thirdparty, pytest.mark.server]

GATEWAY_TOML = """\
# Everything is Django's until a route says otherwise.
[legacy]
settings = "mysite.settings"
threads = 8
static = true
"""

# A second settings module outside the project, since nothing in it is to be touched.
DEBUG_OFF = """\
from mysite.settings import *

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
"""

STATIC = ("/static/admin/css/base.css", "/static/admin/js/theme.js", "/static/admin/img/icon-yes.svg")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A migrated project with an administrator."""
    folder = tmp_path_factory.mktemp("startproject") / "mysite"
    project = Project(folder, sys.executable, "-m", "django", "startproject", "mysite", ".")
    project.manage("migrate", "--verbosity", "0")
    project.add_superuser()
    return project


@pytest.fixture(scope="module")
def before(project: Project) -> dict[str, str]:
    """The project's files before the gateway saw it."""
    return project.files()


@pytest.fixture(scope="module")
def server(project: Project, before: dict[str, str]) -> Iterator[Server]:
    """The project as it is, with DEBUG on."""
    (project.folder / "gateway.toml").write_text(GATEWAY_TOML)
    with project.serve(*GATEWAY) as server:
        yield server


@pytest.fixture(scope="module")
def server_without_debug(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The project with DEBUG off."""
    folder: Path = tmp_path_factory.mktemp("debug-off")
    (folder / "debug_off.py").write_text(DEBUG_OFF)
    config = folder / "gateway.toml"
    config.write_text(GATEWAY_TOML.replace("mysite.settings", "debug_off"))
    path = f"{folder}:{project.folder}"
    with project.serve(*GATEWAY, PYTHONPATH=path, GATEWAY_CONFIG=str(config)) as server:
        yield server


@pytest.fixture(params=["server", "server_without_debug"])
def either(request: pytest.FixtureRequest) -> Server:
    """With DEBUG on, and off."""
    found: Server = request.getfixturevalue(request.param)
    return found


def test_the_first_page_is_djangos_own(server: Server) -> None:
    answer = server.client.get("/")
    assert answer.status_code == 200
    assert "The install worked successfully" in answer.text


def test_staff_log_into_the_admin(either: Server) -> None:
    asked = either.client.get("/admin/")
    assert (asked.status_code, asked.headers["location"]) == (302, "/admin/login/?next=/admin/")
    answer = either.log_in("/admin/login/?next=/admin/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/admin/")
    index = either.client.get("/admin/")
    assert index.status_code == 200
    assert "Site administration" in index.text
    assert index.headers["x-served-by"] == "legacy"


def test_a_login_without_csrf_token_is_refused(either: Server) -> None:
    assert either.client.post("/admin/login/", data={"username": "boss", "password": "boss"}).status_code == 403


def test_a_group_is_added_in_the_admin(server: Server) -> None:
    server.log_in("/admin/login/?next=/admin/")
    answer = server.submit("/admin/auth/group/add/", name="Readers", _save="Save")
    assert (answer.status_code, answer.headers["location"]) == (302, "/admin/auth/group/")
    assert "Readers" in server.client.get("/admin/auth/group/").text


@pytest.mark.parametrize("path", STATIC)
def test_static_files_are_there(either: Server, path: str) -> None:
    answer = either.client.get(path)
    assert answer.status_code == 200
    assert len(answer.content) > 100


def test_an_unknown_page_is_djangos_404(either: Server) -> None:
    answer = either.client.get("/nowhere/")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_nothing_else_was_touched(server: Server, project: Project, before: dict[str, str]) -> None:
    server.log_in("/admin/login/?next=/admin/")
    changing = {"db.sqlite3", "gateway.toml"}
    after = project.files()
    assert after.keys() - before.keys() == {"gateway.toml"}
    assert {name: digest for name, digest in after.items() if name not in changing} == {
        name: digest for name, digest in before.items() if name not in changing
    }
