"""No route with a planted bug is promoted, by whatever may promote it; the same without a bug is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import project_toml
from tests.planted.services import BUGS, PLACES
from tests.project import settings as project_settings
from tests.support.commands import Commands
from tests.support.server import Server, environment, eventually

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(400)]

# Of each bug the differences that keep its route from being promoted, by kind and severity, and words of the verdict.
PLANTED: dict[str, tuple[set[tuple[str, str]], str]] = {
    "type": ({("type", "breaking")}, "parity"),
    "missing-field": ({("missing", "breaking")}, "parity"),
    "secret": ({("secret", "critical")}, "differed critically"),
    "missing-permission": ({("access", "critical")}, "differed critically"),
    "lost-row": ({("items", "breaking")}, "parity"),
    "n-plus-one": ({("n-plus-one", "breaking")}, "parity"),
    "write-in-get": ({("write", "breaking")}, "parity"),
    "exception-for-logged-in": ({("status", "breaking")}, "parity"),
    "slower": (set(), "p95"),
    "wrong-error": ({("status", "breaking")}, "parity"),
}
IN_OTHER_FORMS: dict[str, tuple[set[tuple[str, str]], str]] = {
    "null-for-text": ({("type", "breaking")}, "parity"),
    "missing-in-some-rows": ({("missing", "breaking")}, "parity"),
    "password-hash": ({("secret", "critical")}, "differed critically"),
    "logged-in-is-enough": ({("access", "critical")}, "differed critically"),
    "row-twice": ({("items", "breaking")}, "parity"),
    "deferred-column": ({("n-plus-one", "breaking")}, "parity"),
    "raw-write-in-get": ({("write", "breaking")}, "parity"),
    "exception-for-staff": ({("status", "breaking")}, "parity"),
    "exit-for-logged-in": ({("status", "breaking")}, "parity"),
    "other-error-body": ({("missing", "breaking")}, "parity"),
    "no-error": ({("status", "breaking"), ("write", "breaking")}, "parity"),
}

ROUNDS = 2
ASKED = 18  # requests in a round: `ask`

MIRROR = """
[mirror]
database = "scratch"
concurrency = 1  # mirrors of writes would wait for each other: SQLite has one lock
queue = 1000
lag = 10  # on a machine that is busy with other things, too
"""
ROUTE = """
[services.{stage}-{bug}]
app = "tests.planted.services:apps.{app}"
threads = 10
answers = "drf"

[[routes]]
name = "{stage}-{bug}"
prefix = "/{stage}/{bug}"
service = "{stage}-{bug}"
key = "none"
mirror = {{ canary = 100, methods = ["GET", "POST"] }}
guard = {{ minimum = 18, p95_floor = 0.3 }}
stage = "{stage}"
"""
CANARY = "weight = 50\nsteps = [50, 100]\ninterval = 5\n"
WAL = {"timeout": 20, "init_command": "PRAGMA journal_mode=WAL"}
SEED = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", run_syncdb=True, verbosity=0)
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from tests.planted.models import Author, Book
for number in range(12):
    author = Author.objects.create(name=f"Author {number}", api_key=f"Zk3vQ9{number:02}bXw7LmT5rYp1")
    Book.objects.create(title=f"Book {number}", price="7.50", author=author)
for name in "user", "staff":
    user = User.objects.create_user(name, is_staff=name == "staff")
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.save()
    print(session.session_key)
"""


class Site:
    """The shop with each bug in each stage, a server, its command line, and those who ask it."""

    def __init__(self, folder: Path) -> None:
        original, scratch = folder / "db.sqlite3", folder / "scratch.sqlite3"
        self.settings: dict[str, Any] = {
            "ROOT_URLCONF": "tests.planted.views",
            "INSTALLED_APPS": [
                *project_settings.INSTALLED_APPS,
                "rest_framework",
                "gateway.control",
                "tests.planted",
            ],
            "DATABASES": {
                alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": WAL}
                for alias, path in (("default", original), ("scratch", scratch))
            },
        }
        env = environment(DJANGO_SETTINGS_MODULE="tests.project.settings", PROJECT_SETTINGS=json.dumps(self.settings))
        seeded = subprocess.run([sys.executable, "-c", SEED], env=env, check=True, capture_output=True, text=True)
        shutil.copy(original, scratch)
        self.callers = ["", *(f"sessionid={key}; csrftoken={'c' * 32}" for key in seeded.stdout.split())]
        self.asked = Counter[tuple[str, str]]()
        routes = (
            ROUTE.format(stage=stage, bug=bug, app=bug.replace("-", "_")) + (CANARY if stage == "canary" else "")
            for stage, bug in PLACES
        )
        self.server = Server(folder, project_toml(MIRROR + "".join(routes), threads=40), settings=self.settings)
        self.gateway = Commands(folder / "gateway.toml", self.settings)

    def ask(self, stage: str, bug: str) -> None:
        """What an anonymous, a logged-in caller and one of the staff do."""
        for cookie in self.callers:
            headers = {"Cookie": cookie, "X-CSRFToken": "c" * 32} if cookie else {}
            for path in ("books/", "books/3/", "books/99/", "sales/"):
                self.server.request(f"/{stage}/{bug}/{path}", headers=headers)
            for said in ("Fine", "More than ten characters"):
                body = json.dumps({"said": said})
                headers["Content-Type"] = "application/json"
                self.server.request(f"/{stage}/{bug}/visits/", "POST", body=body, headers=headers)
        self.asked[stage, bug] += ASKED

    def ask_all(self, times: int, *stages: str) -> None:
        """The same of each bug in these stages."""
        places = [place for place in PLACES if place[0] in stages] * times
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda place: self.ask(*place), places))

    def compared(self) -> bool:
        """Whether enough was compared of each route in shadow. Where mirrors gave way, the same is asked again."""
        enough = True
        for route in self.routes("shadow"):
            mirrors, bug = route["hour"]["mirrors"], route["route"].removeprefix("shadow-")
            if mirrors["compared"] < ROUNDS * ASKED:
                enough = False
                if mirrors["compared"] + sum(mirrors["dropped"].values()) >= self.asked["shadow", bug]:
                    self.ask("shadow", bug)
        return enough

    def routes(self, stage: str) -> list[dict[str, Any]]:
        """Those that began in this stage, as `gateway status` has them."""
        routes = self.gateway("status", "--json").json()["routes"]
        return [route for route in routes if route["route"].startswith(stage)]

    def blocking(self, route: str) -> set[tuple[str, str]]:
        """Kind and severity of the open differences that keep a route from being promoted."""
        groups = self.gateway("diffs", route, "--json").json()["routes"][0]["groups"]
        opened = {(group["kind"], group["severity"]) for group in groups if group["state"] == "open"}
        return {found for found in opened if found[1] in ("breaking", "critical")}

    def moves(self, route: str) -> list[str]:
        """What has become of a route: by whom, if not by an operator, and how."""
        changes = self.gateway("history", route, "--json").json()["changes"]
        by = {"guard": "guard: ", "ramp": "ramp: "}
        return [by.get(change["who"], "") + change["verb"] for change in reversed(changes)]

    @property
    def said(self) -> str:
        """All that there is to say when it did not go as it should."""
        return "".join(self.gateway(*command).stdout for command in (["status", "--verbose"], ["diffs"], ["history"]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything has been asked a few times, and each shadow's mirrors are made and counted."""
    site = Site(tmp_path_factory.mktemp("planted"))
    with site.server, site.gateway:
        site.ask_all(ROUNDS, "shadow", "canary")
        # Mirrors give way to whatever else this machine does.
        assert any(eventually(site.compared) for _ in range(4)), site.said
        yield site


# -- in shadow ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bug", PLANTED | IN_OTHER_FORMS)
def test_promote_refuses_a_planted_bug_and_names_it(site, bug):
    differences, words = (PLANTED | IN_OTHER_FORMS)[bug]
    refused = site.gateway("promote", f"shadow-{bug}")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert words in refused.stderr
    assert site.blocking(f"shadow-{bug}") == differences
    assert site.moves(f"shadow-{bug}") == []


@pytest.mark.parametrize("bug", PLANTED)
def test_it_stays_refused_further_up(site, bug):
    assert site.gateway("promote", f"shadow-{bug}", "--to", "live").exit_code == 1
    assert site.moves(f"shadow-{bug}") == []


def test_without_a_bug_it_is_promoted(site):
    assert site.blocking("shadow-none") == set()
    assert site.gateway("promote", "shadow-none").exit_code == 0
    assert site.moves("shadow-none") == ["promote"]


# -- in canary ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ramped(site: Site) -> Site:
    """Callers have gone on asking until the ramp took the route without a bug further, and each other was judged."""

    def judged() -> bool:
        if all(site.moves(f"canary-{bug}") for bug in BUGS):
            return True
        site.ask_all(1, "canary")
        return False

    assert eventually(judged), site.said
    return site


def test_the_ramp_goes_on_without_a_bug(ramped):
    assert set(ramped.moves("canary-none")) == {"ramp: promote"}


@pytest.mark.parametrize("bug", PLANTED)
def test_the_ramp_never_goes_on_with_a_planted_bug_and_the_guard_rolls_it_back(ramped, bug):
    assert ramped.moves(f"canary-{bug}") == ["guard: rollback"]
    assert ramped.blocking(f"canary-{bug}") >= PLANTED[bug][0]
