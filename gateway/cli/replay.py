"""`gateway replay`: sends recorded requests to both sides."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.cli.common import (
    ConfigOption,
    JsonOption,
    config_path,
    fail,
    misuse,
    operator,
    print_json,
    reading_corpus,
)
from gateway.cli.project import opened

if TYPE_CHECKING:
    from gateway.workbench.replay.result import CaseResult, ReplayFinding, ReplayResult

__all__ = ["EPILOG", "replay"]

SHOWN = 30  # findings
STYLES = {"critical": "bold red", "breaking": "red", "warning": "yellow", "note": "dim"}

EPILOG = """\
\b
Examples:
  gateway replay orders.jsonl                   every case on both sides, and what differs
  gateway replay --generate --route orders      generated requests, valid and invalid ones
  gateway replay orders.jsonl --as-everyone     also anonymous, as another user and staff: more access?
  gateway replay orders.jsonl --html report.html --junit report.xml
  gateway replay orders.jsonl --pytest tests/replay   the cases as tests of your own
  gateway replay --clean                        remove what a killed replay left behind

Works on copies of the project's databases, which are deleted afterwards: what a request writes is rolled back there; \
mails, tasks and requests to others are compared, and not sent. Each case is sent to legacy and to the service from \
the same state, with the same clock and the same random numbers. If they differ, it is repeated, and noise of legacy's \
own is left out.

\b
Exit status: 0 no difference prevents a route's promotion, 1 one does, or nothing could be
compared, 2 wrong usage, 3 the configuration or the database can't be used.
"""


def replay(
    context: typer.Context,
    corpus: Annotated[
        Path | None, typer.Argument(metavar="[CORPUS]", help="A file that `gateway record` wrote.", show_default=False)
    ] = None,
    side: Annotated[
        Literal["both", "legacy", "service"],
        typer.Option(help="Compare both, or one of them with the recorded answers.", show_default=True),
    ] = "both",
    route: Annotated[
        list[str] | None, typer.Option("--route", metavar="NAME", help="Only cases of this route; can be repeated.")
    ] = None,
    generate: Annotated[
        bool,
        typer.Option(
            "--generate", help="Also send valid and invalid requests, generated from the services' API documents."
        ),
    ] = False,
    examples: Annotated[
        int, typer.Option(min=1, metavar="N", help="With --generate: how many of each kind for each operation.")
    ] = 10,
    seed: Annotated[int, typer.Option(metavar="N", help="With --generate: another number gives other requests.")] = 0,
    everyone: Annotated[
        bool, typer.Option("--as-everyone", help="Repeat each case anonymously, as another user and staff.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Processes, each with copies of its own.")] = 1,
    in_place: Annotated[
        bool,
        typer.Option("--in-place", help="Work on the configured databases, and roll back there. Sequences move on."),
    ] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Only remove the copies of replays that were killed.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every finding, and what the project logs.")] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit's XML, for CI servers.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report as one page.")] = None,
    pytest: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the cases as tests.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask both sides what was recorded, from the same state, and compare everything."""
    path = config_path(context, config)
    loaded = opened(context, config)
    from gateway.workbench.corpus import Corpus, read_corpus
    from gateway.workbench.replay.generation import Generation
    from gateway.workbench.replay.running import CantReplay, Options
    from gateway.workbench.replay.running import replay as play
    from gateway.workbench.replay.scratch import CantCopy
    from gateway.workbench.replay.stored import store
    from gateway.workbench.replay.task import tasks_of

    if clean:
        _clean(as_json=as_json)
        return
    if corpus is None and not generate:
        misuse("which CORPUS? `gateway record` makes one; --generate does without")
    if generate and side != "both":
        misuse("--generate: nothing was recorded that one side could be compared with")
    with reading_corpus():
        recorded = Corpus() if corpus is None else read_corpus(corpus)
    known = {one.name for one in loaded.routes}
    if unknown := [name for name in route or () if name not in known]:
        misuse(f"there is no route {unknown[0]!r} in {loaded.source}; there are {', '.join(sorted(known)) or 'none'}")
    tasks = tasks_of(case for case in recorded.cases if not route or case.route in route)
    with _progress() as (total, tell):
        options = Options(
            side,
            jobs,
            in_place,
            recorded.about.redacted,
            None if corpus is None else str(corpus),
            verbose,
            Generation(examples, seed, tuple(route or ())) if generate else None,
            everyone,
            total,
            tell,
        )
        try:
            result = play(tasks, loaded, path, options)
        except (CantCopy, CantReplay) as exc:
            fail(f"Error: {exc}", "replay")
    _report(result, junit, html, pytest)
    unstored = store(result, operator())
    if as_json:
        print_json("replay", **described(result), unstored=unstored)
    else:
        _print(result, verbose=verbose)
        if unstored is not None:
            typer.echo(f"This is no evidence for `gateway promote`: {unstored}")
    raise typer.Exit(0 if result.equal else 1)


def _report(result: ReplayResult, junit: Path | None, html: Path | None, pytest: Path | None) -> None:
    """Write the requested reports. Errors in writing are printed, and the result is printed all the same."""
    from gateway.workbench.reports import TestsExist, html_report, junit_report, write_tests

    try:
        if junit is not None:
            junit.write_text(junit_report(result), encoding="utf-8")
        if html is not None:
            html.write_text(html_report(result), encoding="utf-8")
        if pytest is not None:
            for path in write_tests(result.cases, pytest):
                typer.echo(f"wrote {path}", err=True)
    except (OSError, TestsExist) as exc:
        typer.echo(f"Warning: {exc}", err=True)


def _clean(*, as_json: bool) -> None:
    from gateway.workbench.replay.scratch import clean

    removed = clean()
    if as_json:
        print_json("replay clean", removed=removed)
        return
    for name in removed:
        typer.echo(f"removed {name}")
    if not removed:
        typer.echo("Nothing was left behind.")


@contextmanager
def _progress() -> Iterator[tuple[Callable[[int], None], Callable[[CaseResult], None]]]:
    """Yields two callbacks, for the number of cases and for each result: on a terminal, they drive a progress bar."""
    if not sys.stderr.isatty():
        yield lambda _: None, lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[different]} differ"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replay", total=None, different=0)
        different = 0

        def tell(result: CaseResult) -> None:
            nonlocal different
            different += bool(result.findings)
            bar.update(task, advance=1, different=different)

        yield lambda total: bar.update(task, total=total), tell


# -- output -----------------------------------------------------------------------------------------


def described(result: ReplayResult) -> dict[str, Any]:
    """The result in the form of `ReplayDocument` in workbench/shapes."""
    from datetime import UTC, datetime

    from gateway.workbench.replay.result import Outcome

    return {
        "side": result.side,
        "corpus": result.corpus,
        "equal": result.equal,
        "started": datetime.fromtimestamp(result.started, UTC),
        "duration_seconds": result.seconds,
        "jobs": result.jobs,
        "counts": {outcome.value: len(result.of(outcome)) for outcome in Outcome},
        "drifts": {drift.value: count for drift, count in result.drifts.items()},
        "skipped": [{"reason": reason, "cases": count} for reason, count in result.skipped.items()],
        "otherwise": [{"recorded": was, "now": now, "cases": count} for (was, now), count in result.otherwise.items()],
        "releases": dict(result.releases),
        "cases": [_case(case) for case in result.cases if case.findings],
    }


def _case(case: CaseResult) -> dict[str, Any]:
    return {
        "number": case.number,
        "route": case.route,
        "method": case.case.method,
        "template": case.case.template,
        "target": case.case.target,
        "user": case.case.user.kind,
        "acting": case.acting,
        "source": case.source,
        "origin": case.origin,
        "legacy_status": case.legacy.status if case.legacy is not None else None,
        "service_status": case.service.status if case.service is not None else None,
        "findings": [_finding(finding) for finding in case.findings],
    }


def _finding(finding: ReplayFinding) -> dict[str, Any]:
    return {
        "drift": finding.drift.value,
        "kind": finding.kind,
        "pointer": finding.pointer,
        "severity": finding.severity.value,
        "expected": finding.expected,
        "actual": finding.actual,
        "message": finding.message,
    }


def _print(result: ReplayResult, *, verbose: bool) -> None:
    from rich.text import Text

    from gateway.cli.tables import show

    groups = {key: found for key, found in _grouped(result).items() if verbose or found[0][1].severity.value != "note"}
    for number, ((endpoint, drift, severity, *_), found) in enumerate(groups.items()):
        if number == SHOWN and not verbose:
            typer.echo(f"… and {len(groups) - SHOWN} more: --verbose shows them all")
            break
        case, finding = found[0]
        count = f", {len(found)} cases" if len(found) > 1 else ""
        show(Text.assemble((f"{severity} ", STYLES[severity]), f"{drift}  {endpoint}  {finding.message}{count}"))
        typer.echo(f"    {case}")
    typer.echo(_summary(result))


GroupKey = tuple[str, str, str, str, str]  # endpoint, kind of failure, severity, kind of difference, place


def _grouped(result: ReplayResult) -> dict[GroupKey, list[tuple[CaseResult, ReplayFinding]]]:
    """The findings, the worst first; equal ones of an endpoint are grouped."""
    from gateway.parity.fingerprint import generalised

    groups: dict[GroupKey, list[tuple[CaseResult, ReplayFinding]]] = {}
    for case, finding in result.findings:
        place = generalised(finding.pointer.partition(" (")[0])
        key = case.case.endpoint, finding.drift.value, finding.severity.value, finding.kind, place
        groups.setdefault(key, []).append((case, finding))
    return groups


def _summary(result: ReplayResult) -> str:
    from gateway.workbench.replay.result import Outcome

    equal, different = len(result.of(Outcome.EQUAL)), len(result.of(Outcome.DIFFERENT))
    played = equal + different
    speed = f", {played / result.seconds:,.0f} a second" if result.seconds else ""
    lines = [f"{played:,} cases in {result.seconds:.1f} s{speed}: {equal:,} equal, {different:,} different"]
    if result.broken:
        lines.append(
            f"{result.broken:,} are errors (500 and above) in legacy too: see whether the copied database has the rows"
        )
    lines += [f"{count:,} not compared: {reason}" for reason, count in result.skipped.items()]
    lines += [
        f"{count:,} are answered otherwise by legacy than they were recorded, {now} and not {was}: rows or credentials "
        "may be missing here"
        for (was, now), count in result.otherwise.items()
    ]
    return "\n".join(lines)
