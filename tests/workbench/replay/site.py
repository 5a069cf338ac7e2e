"""The shop with planted bugs, whose database is SQLite or another one, and its command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gateway.workbench.corpus import Case, Corpus, User, write_corpus
from tests.conftest import project_toml
from tests.planted.test_planted import SEED
from tests.project import settings as project_settings
from tests.support.commands import Commands
from tests.support.server import environment

__all__ = ["NOBODY", "STAFF", "USER", "PlantedSite", "cases", "seeded"]

NOBODY, USER, STAFF = User(), User("user", "1"), User("staff", "2")
ROUTE = """
[services.{bug}]
app = "tests.planted.services:apps.{app}"
threads = 10
answers = "drf"

[[routes]]
name = "{bug}"
prefix = "/shadow/{bug}"
service = "{bug}"
key = "none"
guard = {{ p95_floor = 0.3 }}
stage = "shadow"
"""


class PlantedSite:
    """`bugs` are those that are there, each with a route of its name; `database` is the entry of DATABASES."""

    def __init__(self, folder: Path, bugs: Iterable[str], database: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = {
            "ROOT_URLCONF": "tests.planted.views",
            "INSTALLED_APPS": [
                *project_settings.INSTALLED_APPS,
                "rest_framework",
                "gateway.control",
                "tests.planted",
            ],
            "DATABASES": {
                "default": database or {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}
            },
        }
        seeded(self.settings)
        routes = (ROUTE.format(bug=bug, app=bug.replace("-", "_")) for bug in bugs)
        self.config = folder / "gateway.toml"
        self.config.write_text(project_toml("".join(routes)))

    def record(self, *recorded: Case) -> str:
        """A file with these cases."""
        path = self.folder / "corpus.jsonl"
        write_corpus(Corpus(recorded), path)
        return str(path)

    @property
    def commands(self) -> Commands:
        """The command line."""
        return Commands(self.config, self.settings)


def seeded(settings: dict[str, Any]) -> None:
    """Make the database that these settings name, with books, a user and one of the staff."""
    env = environment(DJANGO_SETTINGS_MODULE="tests.project.settings", PROJECT_SETTINGS=json.dumps(settings))
    subprocess.run([sys.executable, "-c", SEED], env=env, check=True, capture_output=True)


def cases(bug: str) -> Iterator[Case]:
    """What an anonymous, a logged-in caller and one of the staff do."""
    for user in (NOBODY, USER, STAFF):
        for path in ("books/", "books/3/", "books/5/", "books/99/", "sales/"):
            yield get(bug, path, user)
        for said in ("Fine", "More than ten characters"):
            yield visit(bug, user, said)


def get(bug: str, path: str, user: User = NOBODY) -> Case:
    """Somebody reads."""
    return Case(f"/shadow/{bug}/{path}", "GET", f"/shadow/{bug}/{path}", user=user, route=bug)


def visit(bug: str, user: User = USER, said: str = "Fine") -> Case:
    """Somebody writes."""
    headers = (("content-type", "application/json"),)
    path, body = f"/shadow/{bug}/visits/", json.dumps({"said": said}).encode()
    return Case(path, "POST", path, headers=headers, body=body, user=user, route=bug)
