"""Checks the types of the service's code, with the project's type checker."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["check_types"]

LONGEST = 300.0  # seconds that it may take
# The first that is installed is used; run by `python -m`. A library without types is not an error of the code.
CHECKERS: Mapping[str, Sequence[str]] = {"mypy": ("--disable-error-code=import-untyped",), "pyright": ()}
SHOWN = 20  # lines


def check_types(files: Sequence[Path], folder: Path) -> tuple[bool | None, str, list[str]]:
    """Run the type checker on `files`, from `folder`, which has its configuration. Returns whether they pass (None if
    unknown), the checker's name or why there is no result, and what it found."""
    checker = next((name for name in CHECKERS if importlib.util.find_spec(name)), None)
    if checker is None:
        return None, f"neither {' nor '.join(CHECKERS)} is installed", []
    if not files:
        return None, "the service has no file", []
    command = [sys.executable, "-m", checker, *CHECKERS[checker], *map(str, files)]
    try:
        done = subprocess.run(  # noqa: S603 - the project's own checker, on its own files
            command, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return None, f"{checker} took longer than {LONGEST:g} seconds", []
    own = {str(file) for file in files} | {
        str(file.relative_to(folder)) for file in files if file.is_relative_to(folder)
    }
    found = [line for line in done.stdout.splitlines() if line.partition(":")[0].strip() in own and "error" in line]
    if done.returncode and not found:
        return (
            None,
            f"{checker} finds errors elsewhere, or could not run",
            (done.stdout + done.stderr).splitlines()[:SHOWN],
        )
    return not found, checker, found[:SHOWN]
