"""`gateway replay`: sends recorded requests to both sides."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    say,
)
from gateway.cli.project import opened, route_named
from gateway.cli.replay_output import described, print_result

if TYPE_CHECKING:
    from gateway.config.parse import Config
    from gateway.workbench.corpus import Corpus
    from gateway.workbench.replay.result import CaseResult, ReplayResult
    from gateway.workbench.replay.running import Options
    from gateway.workbench.replay.task import Task

__all__ = ["EPILOG", "replay"]

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

CorpusArgument = Annotated[
    Path | None, typer.Argument(metavar="[CORPUS]", help="A file that `gateway record` wrote.", show_default=False)
]
SideOption = Annotated[
    Literal["both", "legacy", "service"],
    typer.Option(help="Compare both, or one of them with the recorded answers.", show_default=True),
]
RouteOption = Annotated[
    list[str] | None, typer.Option("--route", metavar="NAME", help="Only cases of this route; can be repeated.")
]
GenerateOption = Annotated[
    bool,
    typer.Option(
        "--generate", help="Also send valid and invalid requests, generated from the services' API documents."
    ),
]
ExamplesOption = Annotated[
    int, typer.Option(min=1, metavar="N", help="With --generate: how many of each kind for each operation.")
]
SeedOption = Annotated[int, typer.Option(metavar="N", help="With --generate: another number gives other requests.")]
EveryoneOption = Annotated[
    bool, typer.Option("--as-everyone", help="Repeat each case anonymously, as another user and staff.")
]
JobsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Processes, each with copies of its own.")]
InPlaceOption = Annotated[
    bool,
    typer.Option("--in-place", help="Work on the configured databases, and roll back there. Sequences move on."),
]
CleanOption = Annotated[bool, typer.Option("--clean", help="Only remove the copies of replays that were killed.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show every finding, and what the project logs.")]
JunitOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit's XML, for CI servers.")]
HtmlOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report as one page.")]
PytestOption = Annotated[Path | None, typer.Option(metavar="DIR", help="Write the cases as tests.")]


def replay(
    context: typer.Context,
    corpus: CorpusArgument = None,
    side: SideOption = "both",
    route: RouteOption = None,
    generate: GenerateOption = False,
    examples: ExamplesOption = 10,
    seed: SeedOption = 0,
    everyone: EveryoneOption = False,
    jobs: JobsOption = 1,
    in_place: InPlaceOption = False,
    clean: CleanOption = False,
    verbose: VerboseOption = False,
    junit: JunitOption = None,
    html: HtmlOption = None,
    pytest: PytestOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send recorded requests to both sides, from the same state, and compare everything."""
    path, loaded = config_path(context, config), opened(context, config)
    from gateway.workbench.replay.generation import Generation
    from gateway.workbench.replay.running import Options
    from gateway.workbench.replay.task import tasks_of

    if clean:
        _clean(as_json=as_json)
        return
    recorded = _recorded(corpus, side, generate=generate)
    routes = tuple(route_named(loaded, name).name for name in route or ())
    tasks = tasks_of(case for case in recorded.cases if not routes or case.route in routes)
    generation = Generation(examples, seed, routes) if generate else None
    source = None if corpus is None else str(corpus)
    options = Options(side, jobs, in_place, recorded.about.redacted, source, verbose, generation, everyone)
    result = _played(tasks, loaded, path, options)
    _write_reports(result, junit, html, pytest)
    _tell(result, as_json=as_json, verbose=verbose)
    raise typer.Exit(0 if result.equal else 1)


def _recorded(corpus: Path | None, side: str, *, generate: bool) -> Corpus:
    """The recorded requests; none without a file. Wrong combinations of options exit with status 2."""
    from gateway.workbench.corpus import Corpus, read_corpus

    if corpus is None and not generate:
        misuse("which CORPUS? `gateway record` makes one; --generate does without")
    if generate and side != "both":
        misuse("--generate: nothing was recorded that one side could be compared with")
    with reading_corpus():
        return Corpus() if corpus is None else read_corpus(corpus)


def _played(tasks: list[Task], config: Config, path: Path, options: Options) -> ReplayResult:
    """The result of the replay, whose progress is shown meanwhile."""
    from gateway.workbench.replay.running import CantReplay
    from gateway.workbench.replay.running import replay as play
    from gateway.workbench.replay.scratch import CantCopy

    try:
        with _progress() as (total, tell):
            return play(tasks, config, path, changed(options, total=total, tell=tell))
    except (CantCopy, CantReplay) as exc:
        fail(f"Error: {exc}", "replay")


def _tell(result: ReplayResult, *, as_json: bool, verbose: bool) -> None:
    """Store the result as evidence, and print it."""
    from gateway.workbench.replay.stored import store

    unstored = store(result, operator())
    if as_json:
        print_json("replay", **described(result), unstored=unstored)
        return
    print_result(result, verbose=verbose)
    if unstored is not None:
        say(f"This is no evidence for `gateway promote`: {unstored}")


def _write_reports(result: ReplayResult, junit: Path | None, html: Path | None, pytest: Path | None) -> None:
    """Write the requested reports. Errors in writing are printed, and the result is printed all the same."""
    from gateway.workbench.reports import TestsExist, html_report, junit_report, write_tests

    try:
        if junit is not None:
            junit.write_text(junit_report(result), encoding="utf-8")
        if html is not None:
            html.write_text(html_report(result), encoding="utf-8")
        if pytest is not None:
            for path in write_tests(result.cases, pytest):
                say(f"wrote {path}", err=True)
    except (OSError, TestsExist) as exc:
        say(f"Warning: {exc}", err=True)


def _clean(*, as_json: bool) -> None:
    from gateway.workbench.replay.scratch import clean

    removed = clean()
    if as_json:
        print_json("replay clean", removed=removed)
        return
    for name in removed:
        say(f"removed {name}")
    if not removed:
        say("Nothing was left behind.")


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
