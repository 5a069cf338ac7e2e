"""The application of a service that is there already: the router is included where it is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.workbench.scaffold.application import app_of, including
from gateway.workbench.scaffold.configuration import Configuration
from gateway.workbench.scaffold.draft import CannotScaffold
from gateway.workbench.scaffold.naming import module_path
from gateway.workbench.scaffold.selection import Claim

APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "app", "place"),
    [
        ({"shelves": APP}, "shelves:app", "shelves.py"),
        ({"services__shelves": APP}, "services.shelves:app", "services/shelves.py"),
        ({"shelves__main": APP, "shelves__tools": ""}, "shelves:app", "shelves/main.py"),
    ],
)
def test_the_router_is_included_after_the_application_is_made(tmp_path, files, app, place):
    file = including(app, "shelves.books", written(tmp_path, **files))
    assert file is not None
    assert file.path == tmp_path / place
    assert file.text.splitlines() == [
        "from fastapi import FastAPI",
        "from shelves.books import router as books_router",
        "",
        "app = FastAPI()",
        "app.include_router(books_router)",
    ]
    assert (
        including(app, "shelves.books", written(tmp_path, **{place.removesuffix(".py"): file.text})).text == file.text
    )


@pytest.mark.parametrize(
    "files", [{}, {"shelves": "from made import app\n"}, {"shelves__app": "from made import app\n"}]
)
def test_an_application_that_is_made_elsewhere_is_left_alone(tmp_path, files):
    assert including("shelves:app", "shelves.books", written(tmp_path, **files)) is None


def test_a_module_stands_beside_an_application_that_is_one(tmp_path):
    written(tmp_path, shelves=APP, services__more=APP)
    assert module_path("shelves:app", tmp_path, "books") == (tmp_path / "shelves_books.py", "shelves_books")
    assert module_path("services.more:app", tmp_path, "books") == (
        tmp_path / "services/more_books.py",
        "services.more_books",
    )


def test_a_service_at_a_url_has_no_routers_of_this_process(tmp_path):
    with pytest.raises(CannotScaffold, match="service 'pricing' is at a url"):
        app_of("pricing", {"pricing": {"url": "http://127.0.0.1:9"}}, tmp_path, "drf")


CLAIM = Claim("/api/a/", None, (), ())


def test_a_route_for_every_method_has_none(tmp_path):
    (tmp_path / "gateway.toml").write_text('[legacy]\nsettings = "a"')
    file = Configuration(tmp_path / "gateway.toml").with_entries("shelves", "shelves:app", "drf", "books", CLAIM)
    assert file.text.startswith('[legacy]\nsettings = "a"\n')
    assert "methods" not in file.text


def test_a_file_that_nothing_can_be_added_to_says_what_belongs_there(tmp_path):
    (tmp_path / "gateway.toml").write_text('routes = []\n[legacy]\nsettings = "a"\n')
    with pytest.raises(CannotScaffold, match="put this where it belongs"):
        Configuration(tmp_path / "gateway.toml").with_entries("shelves", None, "drf", "books", CLAIM)
