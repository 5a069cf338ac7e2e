"""How much of what handles an endpoint the project's tests run, where a coverage file says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.source import code_of

__all__ = ["Coverage", "coverage_in"]

Lines = Callable[[str], set[int] | None]  # of a file, those that were run; None where it isn't among what was measured


class Coverage:
    """What was measured; `source` is the file that says so."""

    def __init__(self, source: str, lines: Lines) -> None:
        self.source = source
        self._lines = lines

    def percent(self, endpoint: Endpoint) -> float | None:
        """Of the lines of what handles `endpoint`: its function, or the methods of its class. None where it was not
        measured, or has no lines."""
        run = self._lines(endpoint.file)
        if run is None:
            return None
        lines = {line for code in code_of(endpoint.function) for line in _body(code)}
        return 100 * len(lines & run) / len(lines) if lines else None


def _body(code: CodeType) -> set[int]:
    """The lines of a function, without that of its `def`, which is run when it is imported."""
    return {line for _, _, line in code.co_lines() if line is not None and line > code.co_firstlineno}


def coverage_in(folder: Path) -> Coverage | None:
    """What `.coverage` (with the package `coverage` installed) or `coverage.json` in a folder says; None without."""
    data, report = folder / ".coverage", folder / "coverage.json"
    if data.is_file() and (lines := _of_data(data)) is not None:
        return Coverage(str(data), lines)
    if report.is_file():
        return Coverage(str(report), _of_report(report, folder))
    return None


def _of_data(path: Path) -> Lines | None:
    try:
        from coverage import CoverageData
        from coverage.exceptions import CoverageException
    except ImportError:
        return None
    data: Any = CoverageData(str(path))
    try:
        data.read()
    except CoverageException:  # of another version, or not yet combined
        return None
    measured = {str(Path(file).resolve()): file for file in data.measured_files()}

    def lines(file: str) -> set[int] | None:
        found = measured.get(str(Path(file).resolve()))
        return set(data.lines(found) or ()) if found is not None else None

    return lines


def _of_report(path: Path, folder: Path) -> Lines:
    """`coverage json`: https://coverage.readthedocs.io/en/latest/commands/cmd_json.html"""
    files = json.loads(path.read_text("utf-8")).get("files", {})
    measured = {str((folder / name).resolve()): set(found["executed_lines"]) for name, found in files.items()}
    return lambda file: measured.get(str(Path(file).resolve()))
