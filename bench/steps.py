"""The table of `--steps`: interpreter steps for each kind of request, beside its parts and beside an earlier commit.

Steps are exact, so a table made on one machine holds on every other with the same versions (bench/step_count.py).
"""

import json
import statistics
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Bench
from bench.process import ROOT, BenchError

FORMAT = 1
# Dictionaries and sets in the same order in every process, and signatures of the same length.
ENVIRONMENT = {"PYTHONHASHSEED": "0", "BENCH_SECRET_KEY": "for the benchmark only"}


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of request: the subject of `bench.step_count`, and the subjects whose sum it is held against."""

    name: str
    title: str
    beside: tuple[str, ...] = ()


ROWS = (
    Row("django-json", "JSON view: Django alone, its WSGI handler in place"),
    Row("django-orm", "ORM view: Django alone"),
    Row("uvicorn", "constant bytes: bare uvicorn"),
    Row("fastapi-alone", "FastAPI endpoint: bare uvicorn"),
    Row("fastapi-alone-def", "the same, a function that blocks"),
    Row("json", "legacy JSON view", ("django-json", "uvicorn")),
    Row("counted", "the same, counted by its endpoint", ("json",)),
    Row("recorded", "the same, recorded", ("json",)),
    Row("orm", "legacy ORM view", ("django-orm", "uvicorn")),
    Row("fastapi", "FastAPI endpoint, no middleware", ("fastapi-alone",)),
    Row("bridged", "FastAPI endpoint in Django's default middleware", ("django-json", "fastapi-alone")),
    Row("bridged-def", "the same, a function that blocks", ("django-json", "fastapi-alone-def")),
    Row("mirrored", "legacy JSON view, its mirror in the middleware, and the comparison", ("json", "bridged")),
    Row("canary", "FastAPI endpoint, no middleware, in canary at 50 %", ("fastapi",)),
)


@dataclass(frozen=True, slots=True)
class Steps:
    """What was counted for a subject: the steps of most requests, and how many of how many requests had them."""

    steps: int
    agreeing: int
    requests: int

    @classmethod
    def of(cls, taken: Sequence[int]) -> "Steps":
        """What the repetitions say."""
        usual = statistics.mode(taken)
        return cls(usual, taken.count(usual), len(taken))

    @property
    def exact(self) -> bool:
        """Whether every request took as many."""
        return self.agreeing == self.requests


@dataclass(frozen=True, slots=True)
class StepsReport:
    """One run; `earlier` has what was counted at the commit `against`, where there is one."""

    started: str
    versions: Mapping[str, str]
    commit: Mapping[str, Any]
    counted: Mapping[str, Steps]
    against: str | None = None
    earlier: Mapping[str, Steps] | None = None

    def document(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {
            "format": FORMAT,
            "kind": "steps",
            "started": self.started,
            "versions": self.versions,
            **self.commit,
            "against": self.against,
            "rows": [self._row(row) for row in ROWS if row.name in self.counted],
        }

    def _row(self, row: Row) -> dict[str, Any]:
        seen = self.counted[row.name]
        before = self.earlier.get(row.name) if self.earlier else None
        parts = self._parts(row)
        return {
            "name": row.name,
            "title": row.title,
            "steps": seen.steps,
            "agreeing": seen.agreeing,
            "requests": seen.requests,
            "beside": list(row.beside) if parts else [],
            "beside_steps": parts,
            "ratio": seen.steps / parts if parts else None,
            "earlier_steps": before.steps if before else None,
            "earlier_ratio": seen.steps / before.steps if before else None,
        }

    def _parts(self, row: Row) -> int | None:
        if not row.beside or any(part not in self.counted for part in row.beside):
            return None
        return sum(self.counted[part].steps for part in row.beside)

    def info(self) -> list[str]:
        """Return the circumstances, a line each."""
        changes = " with uncommitted changes" if self.commit["dirty"] else ""
        against = f"; beside it, the gateway at {self.against}" if self.against else ""
        return [
            f"{self.started}, commit {self.commit['commit']}{changes}{against}",
            ", ".join(f"{name} {number}" for name, number in self.versions.items()),
        ]

    def notes(self) -> list[str]:
        """Return which numbers are not exact."""
        return [
            f"{name}: {seen.agreeing} of {seen.requests} requests took as many steps"
            for name, seen in self.counted.items()
            if not seen.exact
        ]

    def cells(self) -> list[tuple[str, ...]]:
        """Return the table: a line of headings, then the rows."""
        headings = ["interpreter steps for one request", "steps", "beside", "steps", "ratio"]
        if self.against:
            headings += [f"at {self.against}", "ratio"]
        return [tuple(headings), *(self._cells(row) for row in self.document()["rows"])]

    def _cells(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        cells = [row["title"], f"{row['steps']:,}", " + ".join(row["beside"])]
        cells += [f"{row['beside_steps']:,}", f"{row['ratio']:.2f}"] if row["beside"] else ["", ""]
        if self.against:
            before = row["earlier_steps"]
            cells += ["", ""] if before is None else [f"{before:,}", f"{row['earlier_ratio']:.3f}"]
        return tuple(cells)

    def print(self, console: Console) -> None:
        """Print the table."""
        headings, *rows = self.cells()
        table = Table()
        table.add_column(headings[0], ratio=1)
        for heading in headings[1:]:
            table.add_column(heading, justify="right")
        for row in rows:
            table.add_row(*row)
        for line in self.info():
            console.print(line, style="dim", highlight=False)
        console.print(table)
        for note in self.notes():
            console.print(note, highlight=False, markup=False)

    def markdown(self) -> str:
        """Return the report as a Markdown document."""
        headings, *rows = self.cells()
        lines = ["# Steps", "", *(f"- {fact}" for fact in self.info()), ""]
        lines += [f"| {' | '.join(row)} |" for row in (headings, ["---"] * len(headings), *rows)]
        lines += ["", *(f"- {note}" for note in self.notes())]
        return "\n".join(lines).rstrip() + "\n"

    def write(self, directory: Path) -> list[Path]:
        """Write JSON and Markdown as `<date>-<commit>-steps` and return the paths; the same name is replaced."""
        directory.mkdir(parents=True, exist_ok=True)
        stem = directory / f"{self.started[:10]}-{self.commit['commit']}-steps"
        files = {
            stem.with_suffix(".json"): json.dumps(self.document(), indent=1, ensure_ascii=False) + "\n",
            stem.with_suffix(".md"): self.markdown(),
        }
        for path, text in files.items():
            path.write_text(text)
        return list(files)


def count_steps(bench: Bench, names: Sequence[str], tree: Path = ROOT) -> dict[str, Steps]:
    """Count the subjects `names`, each in a process of its own, with the gateway in `tree`; raises `BenchError`."""
    counted: dict[str, Steps] = {}
    for name in names:
        taken = json.loads(bench.helper("bench.step_count", name, tree=tree, env=ENVIRONMENT))
        counted[name] = Steps.of(taken)
        bench.say(f"    {name}: {counted[name].steps:,}")
    return counted


def with_parts(names: Sequence[str]) -> list[str]:
    """Return the rows `names`, and those they are held against, in the table's order."""
    rows = {row.name: row for row in ROWS}
    wanted = {*names, *(part for name in names for part in rows[name].beside)}
    return [name for name in rows if name in wanted]


def check_out(commit: str, folder: Path) -> Path:
    """Put the package as it was at `commit` into `folder`, and return that; raises `BenchError` when git can't."""
    done = subprocess.run(
        ["git", "archive", "--format=tar", commit, "gateway"], cwd=ROOT, capture_output=True, check=False
    )
    if done.returncode:
        raise BenchError(f"git archive {commit}: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def earlier_steps(bench: Bench, names: Sequence[str], commit: str) -> dict[str, Steps]:
    """Count those of `names` that the gateway has a part in as it was at `commit`, and could answer then; raises
    `BenchError` when git can't."""
    bench.say(f"at {commit}:")
    ours = {row.name for row in ROWS if row.beside}
    tree = check_out(commit, bench.workspace / "earlier")
    counted: dict[str, Steps] = {}
    for name in names:
        if name in ours:
            try:
                counted |= count_steps(bench, [name], tree)
            except BenchError as exc:  # it may not have had what the row is about
                bench.say(f"    {name}: not there ({str(exc).strip().splitlines()[-1]})")
    return counted
