"""`gateway retire` on a small project in this process, and on a copy of the demo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.urls import clear_url_caches

from gateway.clock import utc_now
from gateway.control.models import RouteState
from gateway.workbench.shapes import SHAPES, ErrorDocument
from tests.support.console import run

ROOT = Path(__file__).parents[2]
GONE = [
    "legacy/suppliers/quotes.py",
    "legacy/suppliers/tests/test_quotes.py",
    "legacy/suppliers/views.py",
    "legacy/urls.py",
]


# -- a small project ---------------------------------------------------------------------------------

SMALL = """
[legacy]
settings = "legacy.settings"

[services.quotes]
url = "http://127.0.0.1:9"

[[routes]]
name = "quotes"
prefix = "/quotes"
service = "quotes"
claim = "all"
stage = "retired"
"""
URLS = """\
from django.urls import path

from quoting.views import both, quotes

urlpatterns = [
    path("quotes/", quotes, name="quotes-list"),
    path("quotes/both/", both),
    path("both/", both),
]
"""
VIEWS = """\
from django.http import HttpResponse

from quoting.numbers import total


def quotes(request):
    return HttpResponse(total())


def both(request):
    return HttpResponse()
"""
FILES = {
    "__init__.py": "",
    "urls.py": URLS,
    "views.py": VIEWS,
    "numbers.py": "def total():\n    return 7\n",
    "mail.py": 'LINK = "/quotes/"\n',
}
PATCH = """\
-def total():
-    return 7
-from quoting.views import both, quotes
+from quoting.views import both
-    path("quotes/", quotes, name="quotes-list"),
-
-from quoting.numbers import total
-
-
-def quotes(request):
-    return HttpResponse(total())
"""


@pytest.fixture
def small(here: Path, settings: Any) -> Iterator[Path]:
    """A project whose route "quotes" is retired: one of its views only has URLs that the route claims."""
    (here / "gateway.toml").write_text(SMALL)
    (here / "quoting").mkdir()
    for name, text in FILES.items():
        (here / "quoting" / name).write_text(text)
    settings.ROOT_URLCONF = "quoting.urls"
    clear_url_caches()
    yield here
    for name in [name for name in sys.modules if name.partition(".")[0] == "quoting"]:
        del sys.modules[name]
    clear_url_caches()


@pytest.fixture
def long_ago(db: None) -> None:
    """The route has been retired for long enough."""
    since = utc_now() - timedelta(days=20)
    RouteState.objects.create(route="quotes", stage="retired", since=since, revision=1, who="ada")


def changed(diff: str) -> str:
    """The lines that a patch removes and adds."""
    lines = diff.splitlines(keepends=True)
    return "".join(line for line in lines if line[0] in "+-" and not line.startswith(("+++", "---")))


def test_the_patch_is_printed_and_what_it_does_is_told(invoke, small, long_ago):
    result = invoke("retire", "quotes")
    assert result.exit_code == 0, result.stderr
    assert changed(result.stdout) == PATCH
    assert result.stderr.splitlines() == [
        "quoting.views.quotes: 3 parts would be deleted",
        "  deleted  quoting/numbers.py",
        "  changed  quoting/urls.py",
        "  changed  quoting/views.py",
        "  kept     quoting.views.both: both/: no retired route claims all of its paths",
        "  note     quoting/mail.py:1: /quotes/ is the service's now",
    ]
    assert {name: (small / "quoting" / name).read_text() for name in FILES} == FILES


def test_write_changes_the_files(invoke, small, long_ago):
    result = invoke("retire", "quotes", "--write")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("quoting.views.quotes: 3 parts deleted\n  deleted  quoting/numbers.py\n")
    assert not (small / "quoting/numbers.py").exists()
    assert "quotes(" not in (small / "quoting/views.py").read_text()


def test_json_has_the_patch_and_each_part_with_file_and_line(invoke, small, long_ago):
    document = json.loads(invoke("retire", "quotes", "--json").stdout)
    assert (document["written"], document["views"]) == (False, ["quoting.views.quotes"])
    assert {"file": "quoting/views.py", "line": 6, "what": "quotes"} in document["gone"]
    assert document["files"][0] == {"file": "quoting/numbers.py", "deleted": True}
    assert [view["view"] for view in document["kept"]] == ["quoting.views.both"]
    assert document["noted"] == [{"file": "quoting/mail.py", "line": 1, "why": "/quotes/ is the service's now"}]
    assert changed(document["diff"]) == PATCH


def test_it_is_too_early_while_nobody_knows_since_when_unless_that_does_not_matter(invoke, small):
    refused = invoke("retire", "quotes")
    assert (refused.exit_code, refused.stdout) == (1, "")
    why = "  since when it is retired isn't known: the file says it, and no move of the route\n"
    hint = "--anyway does it regardless.\n"
    assert refused.stderr == f"It is too early to delete what quotes has taken over:\n{why}{hint}"

    forced = invoke("retire", "quotes", "--anyway")
    assert (forced.exit_code, changed(forced.stdout)) == (0, PATCH)
    assert forced.stderr.startswith(f"Warning: it may be too early:\n{why}")


def test_it_is_refused_while_other_code_needs_the_view(invoke, small, long_ago):
    (small / "quoting/links.py").write_text('from django.urls import reverse\n\nLINK = reverse("quotes-list")\n')
    result = invoke("retire", "quotes", "--write")
    assert result.exit_code == 1
    used = "  quoting/links.py:3: LINK reverses 'quotes-list'\n"
    assert result.stderr == f"What quotes has taken over is still used:\n{used}"
    assert (small / "quoting/views.py").read_text() == VIEWS


@pytest.mark.parametrize(
    ("urls", "why"),
    [
        (
            '[path("quotes/", both), path("both/", both)]',
            "quoting.views.both: both/: no retired route claims all of its paths",
        ),
        ("[]", "the project has no URL that it claims all of"),
    ],
)
def test_it_says_why_no_view_can_be_deleted(invoke, small, long_ago, urls, why):
    text = f"from django.urls import path\n\nfrom quoting.views import both\n\nurlpatterns = {urls}\n"
    (small / "quoting/urls.py").write_text(text)
    result = invoke("retire", "quotes")
    assert (result.exit_code, result.stderr) == (1, f"quotes has no view that can be deleted:\n  {why}\n")


def test_a_wsgi_application_has_no_views(invoke, here):
    text = SMALL.replace('settings = "legacy.settings"', 'wsgi = "wsgiref.simple_server:demo_app"')
    (here / "gateway.toml").write_text(text)
    result = invoke("retire", "quotes")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "legacy is a WSGI application, and no Django project" in result.stderr


def test_without_libcst_it_says_what_to_install(invoke, small, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "libcst" else find_spec(name))
    result = invoke("retire", "quotes")
    assert result.exit_code == 3
    assert 'pip install "django-fastapi-gateway[workbench]"' in result.stderr


# -- the demo ----------------------------------------------------------------------------------------


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A copy of the demo, whose route "quotes" is retired by its file."""
    for name in ("legacy", "newsvc"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "var"))
    for name in ("manage.py", "conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    text = (ROOT / "gateway.toml").read_text()
    start = text.index('name = "quotes"\n')
    text = text[:start] + text[start:].replace('stage = "live"', 'stage = "retired"', 1)
    (tmp_path / "gateway.toml").write_text(text)
    return tmp_path


@pytest.fixture
def gateway(demo: Path) -> Callable[..., Any]:
    """The console script there, without a database."""
    return lambda *arguments: run(demo, *arguments, DATABASE_URL="", PYTHONPATH=str(demo))


@pytest.mark.long
def test_it_is_too_early_where_nobody_knows_since_when(gateway):
    result = gateway("retire", "quotes", "--json")
    document = ErrorDocument.model_validate_json(result.stdout, strict=True)
    assert (result.returncode, document.error.code) in [(1, "unproved"), (3, "database")]


@pytest.mark.long
def test_a_route_with_a_way_back_is_refused(gateway):
    result = gateway("retire", "catalog")
    assert result.returncode == 1
    assert "it is at live: `gateway promote catalog --to retired` first" in result.stderr


@pytest.mark.long
@pytest.mark.proof
@pytest.mark.timeout(600)
def test_the_demos_suite_passes_after_the_patch(demo, gateway):
    migrated = subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=demo, env=_env(demo), capture_output=True, text=True
    )
    assert migrated.returncode == 0, migrated.stderr
    refused = gateway("retire", "quotes", "--json")
    assert ErrorDocument.model_validate_json(refused.stdout, strict=True).error.code == "unproved"

    shown = gateway("retire", "quotes", "--anyway", "--json")
    document = SHAPES["retire"].model_validate_json(shown.stdout, strict=True)
    assert document.model_dump(mode="json") == json.loads(shown.stdout)
    assert (document.written, document.views) == (False, ["legacy.suppliers.views.QuotesView"])
    assert [one.file for one in document.files] == GONE
    assert (demo / "legacy/suppliers/views.py").exists()

    printed = gateway("retire", "quotes", "--anyway")
    assert printed.stdout == document.diff
    assert "legacy/shop/management/commands/demo_urls.py:14: /api/quotes/1/ is the service's now" in printed.stderr
    assert gateway("retire", "quotes", "--anyway", "--write").returncode == 0
    assert [name for name in GONE if (demo / name).exists()] == ["legacy/urls.py"]

    arguments = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "legacy"]
    suite = subprocess.run(arguments, cwd=demo, env=_env(demo), capture_output=True, text=True)
    assert suite.returncode == 0, suite.stdout[-3000:]
    assert gateway("check").returncode == 0


def _env(demo: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GATEWAY_"))}
    return inherited | {"PYTHONPATH": str(demo), "DATABASE_URL": ""}
