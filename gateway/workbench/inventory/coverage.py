"""How much of an endpoint's code the project's tests run, according to a coverage file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.source import code_of

__all__ = ["Coverage", "coverage_in"]

ExecutedLines = Callable[
    [str], set[int] | None
]  # of a file, the lines that were run; None if the file was not measured


class Coverage:
    """The measured coverage; `source` is the file that it was read from."""

    def __init__(self, source: str, lines: ExecutedLines) -> None:
        self.source = source
        self._lines = lines

    def percent(self, endpoint: Endpoint) -> float | None:
        """The percentage of lines of the code that handles `endpoint`: its function, or the methods of its class. None
        if it was not measured, or has no lines."""
        run = self._lines(endpoint.file)
        if run is None:
            return None
        lines = {line for code in code_of(endpoint.function) for line in _body(code)}
        return 100 * len(lines & run) / len(lines) if lines else None


def _body(code: CodeType) -> set[int]:
    """The lines of a function, without that of its `def`, which runs on import."""
    return {line for _, _, line in code.co_lines() if line is not None and line > code.co_firstlineno}


def coverage_in(folder: Path) -> Coverage | None:
    """The coverage in a folder's `.coverage` (needs the package `coverage`) or `coverage.json`; None without either."""
    data, report = folder / ".coverage", folder / "coverage.json"
    if data.is_file() and (lines := _of_data(data)) is not None:
        return Coverage(str(data), lines)
    if report.is_file():
        return Coverage(str(report), _of_report(report, folder))
    return None


def _of_data(path: Path) -> ExecutedLines | None:
    try:
        from coverage import CoverageData
        from coverage.exceptions import CoverageException
    except ImportError:
        return None
    data: Any = CoverageData(str(path))
    try:
        data.read()
    except CoverageException:  # a file of another version, or not combined yet
        return None
    measured = {str(Path(file).resolve()): file for file in data.measured_files()}

    def lines(file: str) -> set[int] | None:
        found = measured.get(str(Path(file).resolve()))
        return set(data.lines(found) or ()) if found is not None else None

    return lines


def _of_report(path: Path, folder: Path) -> ExecutedLines:
    """`coverage json`: https://coverage.readthedocs.io/en/latest/commands/cmd_json.html"""
    files = json.loads(path.read_text("utf-8")).get("files", {})
    measured = {str((folder / name).resolve()): set(found["executed_lines"]) for name, found in files.items()}
    return lambda file: measured.get(str(Path(file).resolve()))
