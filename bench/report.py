"""The results as a table for people, in Markdown and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.result import Goal, Result, Side

FORMAT = 1
_STYLES = {True: "green", False: "red", None: ""}
_VERDICTS = {True: "yes", False: "no", None: "–"}


@dataclass(frozen=True, slots=True)
class Report:
    """One run: when, where, with what, how, and what came out."""

    started: str
    machine: dict[str, Any]
    versions: dict[str, str]
    commit: dict[str, Any]
    settings: dict[str, Any]
    results: Sequence[Result]

    def document(self) -> dict[str, Any]:
        """Return the whole report as JSON types."""
        return {
            "format": FORMAT,
            "started": self.started,
            "machine": self.machine,
            "versions": self.versions,
            **self.commit,
            "settings": self.settings,
            "rows": [result.document() for result in self.results],
        }

    def info(self) -> list[str]:
        """Return the circumstances, a line each."""
        machine, commit = self.machine, self.commit
        changes = " with uncommitted changes" if commit["dirty"] else ""
        hardware = (
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mib'] / 1024:.0f} GiB, "
            f"{machine['system']}; load before the run {machine['load_before']}"
        )
        return [
            f"{self.started}, commit {commit['commit']}{changes}",
            hardware,
            ", ".join(f"{name} {number}" for name, number in self.versions.items()),
            ", ".join(f"{name} {value}" for name, value in self.settings.items()),
        ]

    def notes(self) -> list[str]:
        """Return what has to be said besides the numbers: notes, disturbances, and why rows failed."""
        said = [(result.name, result.note or result.error) for result in self.results]
        said += [
            (result.name, f"in {result.disturbed} rounds other processes had over a tenth of the server's core")
            for result in self.results
            if result.disturbed
        ]
        return [f"{name}: {text}" for name, text in said if text]

    def verdict(self) -> str:
        """Return one sentence: how many goals were reached, missed, or could not be measured."""
        judged = [result.reached for result in self.results if result.reached is not None]
        failed = sum(bool(result.error) for result in self.results)
        sentence = f"{sum(judged)} of {len(judged)} goals reached"
        return f"{sentence}; {failed} rows failed" if failed else sentence

    def print(self, console: Console) -> None:
        """Print the table with rich, which respects NO_COLOR and pipes by itself."""
        table = Table(caption=f"{self.verdict()}. Small print: CPU s per 1,000 requests; median of ratios by round")
        table.add_column("same work, one process", ratio=1)
        for heading in ("ours", "theirs", "ratio", "goal", "reached"):
            table.add_column(heading, justify="right", no_wrap=True)
        for result in self.results:
            table.add_row(*_terminal_cells(result), style=_STYLES[result.reached], end_section=True)
        for line in self.info():
            console.print(line, style="dim", highlight=False)
        console.print(table)
        for note in self.notes():
            console.print(note, highlight=False, markup=False)

    def markdown(self) -> str:
        """Return the report as a Markdown document."""
        headings = (
            "same work, one process",
            *("ours", "theirs", "ratio", "median of ratios by round", "goal", "reached"),
            "CPU s per 1,000 requests, ours / theirs",
        )
        rows = [headings, ["---"] * len(headings), *(_markdown_cells(result) for result in self.results)]
        lines = ["# Benchmark", "", *(f"- {fact}" for fact in self.info()), ""]
        lines += [f"| {' | '.join(row)} |" for row in rows]
        lines += ["", f"{self.verdict()}.", ""]
        lines += [f"- {note.splitlines()[0]}" for note in self.notes()]
        return "\n".join(lines).rstrip() + "\n"

    def write(self, directory: Path) -> list[Path]:
        """Write JSON and Markdown as `<date>-<commit>` and return the paths; the same name is replaced."""
        directory.mkdir(parents=True, exist_ok=True)
        stem = directory / f"{self.started[:10]}-{self.commit['commit']}"
        files = {
            stem.with_suffix(".json"): json.dumps(self.document(), indent=1, ensure_ascii=False) + "\n",
            stem.with_suffix(".md"): self.markdown(),
        }
        for path, text in files.items():
            path.write_text(text)
        return list(files)


def _terminal_cells(result: Result) -> tuple[str, ...]:
    """Return the cells of a narrow row: the small print goes to a second line."""
    if result.ours is None or result.theirs is None:
        return (result.title, "", "", "failed", _goal(result.goal), _VERDICTS[None])
    values = [
        f"{_value(side, result.unit)}\n[dim]{_cpu(side)}[/dim]".removesuffix("\n[dim][/dim]")
        for side in (result.ours, result.theirs)
    ]
    ratios = f"{result.ratio:.2f}\n[dim]{result.round_ratio:.2f}[/dim]"
    return (result.title, *values, ratios, _goal(result.goal), _VERDICTS[result.reached])


def _markdown_cells(result: Result) -> tuple[str, ...]:
    if result.ours is None or result.theirs is None:
        return (result.title, "", "", "failed", "", _goal(result.goal), _VERDICTS[None], "")
    return (
        result.title,
        *(f"{_value(side, result.unit)} ({side.title})" for side in (result.ours, result.theirs)),
        f"{result.ratio:.2f}",
        f"{result.round_ratio:.2f}",
        _goal(result.goal),
        _VERDICTS[result.reached],
        " / ".join(_cpu(side) or "–" for side in (result.ours, result.theirs)),
    )


def _value(side: Side, unit: str) -> str:
    number = f"{side.value:,.0f}" if side.value >= 100 else f"{side.value:.3g}"
    return f"{number} {unit}"


def _cpu(side: Side) -> str:
    return "" if side.cpu_per_1000 is None else f"{side.cpu_per_1000:.3f}"


def _goal(goal: Goal | None) -> str:
    if goal is None:
        return ""
    parts = [
        f"≥ {goal.at_least:g}" if goal.at_least is not None else "",
        f"≤ {goal.at_most:g}" if goal.at_most is not None else "",
        f"< {goal.value_below:g} ours" if goal.value_below is not None else "",
    ]
    return ", ".join(part for part in parts if part)
