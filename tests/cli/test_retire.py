"""`gateway retire` on a copy of the demo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.workbench.shapes import SHAPES, ErrorDocument
from tests.support.console import run

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
GONE = [
    "legacy/suppliers/quotes.py",
    "legacy/suppliers/tests/test_quotes.py",
    "legacy/suppliers/views.py",
    "legacy/urls.py",
]


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


def test_it_is_too_early_where_nobody_knows_since_when(gateway):
    result = gateway("retire", "quotes", "--json")
    document = ErrorDocument.model_validate_json(result.stdout, strict=True)
    assert (result.returncode, document.error.code) in [(1, "unproved"), (3, "database")]


def test_a_route_with_a_way_back_is_refused(gateway):
    result = gateway("retire", "catalog")
    assert result.returncode == 1
    assert "it is at live: `gateway promote catalog --to retired` first" in result.stderr


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
