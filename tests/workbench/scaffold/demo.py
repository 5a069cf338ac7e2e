"""A copy of the demo without services, for `gateway scaffold` to write into."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PYTHON = sys.executable
TOML = """\
# The shop's own.
[legacy]
settings = "legacy.settings"   # as ever
"""


def project(folder: Path) -> Path:
    """The demo's project in `folder`."""
    shutil.copytree(ROOT / "legacy", folder / "legacy", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    (folder / "var").mkdir()
    (folder / "gateway.toml").write_text(TOML)
    (folder / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = legacy.settings\npythonpath = .\n")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python module in `folder`, with the project's own environment."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [PYTHON, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1200)


def scaffold(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`gateway scaffold …` there."""
    done = run(folder, "gateway", "scaffold", *arguments)
    assert "Traceback" not in done.stderr, done.stderr
    return done
