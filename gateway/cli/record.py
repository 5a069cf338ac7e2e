"""`gateway record`: real requests and responses, in a small file."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import (
    ConfigOption,
    JsonOption,
    WhoOption,
    WhyOption,
    end,
    misuse,
    operator,
    print_json,
    say,
    spinning,
)
from gateway.cli.project import asking_the_database, need_control, opened
from gateway.server.terminal import REFUSED
from gateway.wording import counted

if TYPE_CHECKING:
    from gateway.config.parse import Config
    from gateway.control.recordings import RecordingProgress
    from gateway.recording.plan import RecordingLimits, Selection
    from gateway.workbench.corpus import Corpus

__all__ = ["EPILOG", "record"]

EPILOG = """\
\b
Examples:
  gateway record catalog                      ten minutes of the route's traffic, into catalog.jsonl
  gateway record "GET /api/categories/{pk}/" orders --for 1h -o shop.jsonl
  gateway record catalog --by status --lines  distinguish requests by that field, and by the lines that ran
  gateway record catalog --detach             the servers record; later: gateway record --fetch ID
  gateway record --har shop.har --as ada      what a browser's developer tools have saved

Similar requests are one case: the same endpoint, status, kind of user, and shapes of query and bodies. Secrets and \
personal data are replaced by pseudonyms, equal for equal values; their key is deleted. Cookies and \
credentials are never kept: a case has the user. Ctrl-C ends a recording early, and keeps its cases. Servers spend \
at most 3 % of their time on it. docs/record.md says what is recorded, docs/corpus.md has the format.

\b
Status 0: done. Status 1: there is no case, or no such recording. Status 2: wrong usage.
Status 3: the configuration or the database can't be used.
"""


def record(
    context: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ROUTE]...", help="Routes, or endpoints of the project: a path, with a method or all."),
    ] = None,
    seconds: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 90s, 10m, 2h.")] = "10m",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to. [default: ROUTE.jsonl]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    percent: Annotated[float, typer.Option(min=0.01, max=100, help="How many of the requests are analysed.")] = 100.0,
    cases: Annotated[int, typer.Option(min=1, metavar="N", help="How many cases of an endpoint are kept.")] = 50,
    max_body: Annotated[int, typer.Option(min=0, metavar="KB", help="Longer bodies are left out.")] = 256,
    by: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Distinguish its values. Can be repeated.")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Distinguish the project's lines that run.")] = False,
    redact: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Another personal field. Can be repeated.")
    ] = None,
    unredacted: Annotated[bool, typer.Option("--unredacted", help="Don't replace secrets and personal data.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Don't wait for it.")] = False,
    fetch: Annotated[str | None, typer.Option(metavar="ID", help="End a detached recording, and fetch it.")] = None,
    har: Annotated[Path | None, typer.Option(metavar="FILE", help="Use a HAR file instead of traffic.")] = None,
    user: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="With --har: the user's name or primary key.")
    ] = None,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="With --har: only requests to this host.")] = None,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record real requests and their responses, few and redacted, for `gateway replay`."""
    if sum((bool(what), fetch is not None, har is not None)) != 1:
        misuse("give what is to be recorded, or --fetch ID, or --har FILE --as USER: one of the three")
    loaded = opened(context, config)
    path = _path(output, what, har, force=force)
    if har is not None:
        _save(_of_browser(loaded, har, user, host, redact or [], redacts=not unredacted), path, {}, as_json=as_json)
        return
    need_control(loaded)
    with asking_the_database():
        recording = fetch
        if recording is None:
            limits = _limits(percent, cases, max_body)
            selection = _selection(loaded, what or [], limits, by or [], redact or [], lines, redacts=not unredacted)
            recording = _start(loaded, selection, seconds, who or operator(), why)
            if detach:
                _say_detached(recording, seconds, as_json=as_json)
                return
        corpus, skipped = _recorded(loaded, recording, at_once=fetch is not None)
        _save(corpus, path, skipped, as_json=as_json)
        _forget(recording)


def _path(output: Path | None, what: list[str] | None, har: Path | None, *, force: bool) -> Path:
    """The path of the corpus. Exits if there is a file already."""
    if output is None:
        named = har.stem if har is not None else (what or ["recording"])[0]
        output = Path("".join(one if one.isalnum() or one in "-_." else "-" for one in named).strip("-") + ".jsonl")
    if output.exists() and not force:
        misuse(f"{output} is there already: name another file by --output, or write over it by --force")
    if not output.absolute().parent.is_dir():
        misuse(f"there is no folder {output.absolute().parent}")
    return output


def _limits(percent: float, cases: int, max_body: int) -> RecordingLimits:
    from gateway.recording.plan import RecordingLimits

    return RecordingLimits(percent=percent, cases=cases, max_body=max_body * 1024)


def _selection(
    config: Config,
    what: list[str],
    limits: RecordingLimits,
    fields: list[str],
    names: list[str],
    lines: bool,
    *,
    redacts: bool,
) -> Selection:
    from gateway.recording.plan import Selection
    from gateway.workbench.inventory import NoSuchEndpoint
    from gateway.workbench.record.targets import targets_of

    try:
        targets = targets_of(what, config.routes)
    except NoSuchEndpoint as exc:
        routes = ", ".join(route.name for route in config.routes) or "none"
        misuse(f"{exc}. Routes of {config.source}: {routes}")
    return Selection(tuple(targets), limits, tuple(fields), tuple(names), lines, redacts)


def _start(config: Config, selection: Selection, seconds: str, who: str, why: str) -> str:
    from gateway.control.recordings import serving, start
    from gateway.rollout.policy import declared_state
    from gateway.workbench.record.targets import duration

    try:
        long = duration(seconds)
    except ValueError as exc:
        misuse(f"--for is {exc}")
    if not serving():
        say("No process serves now: what starts until the end of the recording takes part in it.", err=True)
    stages = {route.name: declared_state(route) for route in config.routes}
    return start(selection, who=who, seconds=long, why=why, stages=stages)


def _say_detached(recording: str, seconds: str, *, as_json: bool) -> None:
    if as_json:
        print_json("record", recording=recording, file=None, requests=0, skipped={}, endpoints=[])
    else:
        say(f"The servers record for {seconds}. To end it and fetch it:\n  gateway record --fetch {recording}")


def _recorded(config: Config, recording: str, *, at_once: bool) -> tuple[Corpus, dict[str, int]]:
    from gateway.control.recordings import NoSuchRecording
    from gateway.workbench.record.live import collect, wait

    interval = config.rollout.poll + config.rollout.flush
    stop = threading.Event()
    if at_once:
        stop.set()
    try:
        with _until_interrupted(stop), spinning("Waiting for the servers …") as say:
            known = wait(recording, interval, lambda known: say(_how_far(known)), stop)
        return collect(recording), known.skipped
    except NoSuchRecording as exc:
        end(REFUSED, "no_such_recording", str(exc))


@contextmanager
def _until_interrupted(stop: threading.Event) -> Iterator[None]:
    """In this block the first Ctrl-C, or SIGTERM, ends the recording; the second ends the command."""

    def interrupted(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _how_far(known: RecordingProgress) -> str:
    from gateway.clock import utc_now

    left = max(0, round((known.until - utc_now()).total_seconds()))
    if known.ended:
        return "Waiting for what the servers still have …"
    return f"{known.requests:,} requests, {known.cases} cases, {left // 60}:{left % 60:02d} left (Ctrl-C ends it)"


def _of_browser(
    config: Config, har: Path, user: str | None, host: str | None, names: list[str], *, redacts: bool
) -> Corpus:
    from gateway.workbench.caller import NoSuchUser
    from gateway.workbench.record.har import UnreadableHar, corpus_of_har
    from gateway.workbench.record.users import user_named

    try:
        with asking_the_database():
            found = user_named(user)
        return corpus_of_har(har, found, routes=config.routes, host=host, names=names, redact=redacts)
    except NoSuchUser as exc:
        misuse(str(exc))
    except (UnreadableHar, OSError) as exc:
        end(REFUSED, "unreadable", str(exc))


def _forget(recording: str) -> None:
    from gateway.control.recordings import forget

    forget(recording)


def _save(corpus: Corpus, path: Path, skipped: dict[str, int], *, as_json: bool) -> None:
    from gateway.workbench.corpus import write_corpus
    from gateway.workbench.record.live import endpoints_of

    write_corpus(corpus, path)
    if as_json:
        found: list[dict[str, Any]] = [
            {"endpoint": endpoint, "status": status, "cases": cases, "requests": requests}
            for endpoint, status, cases, requests in endpoints_of(corpus)
        ]
        print_json(
            "record", recording=None, file=str(path), requests=corpus.about.requests, skipped=skipped, endpoints=found
        )
    else:
        _print(corpus, path, skipped)
    if not corpus.cases:
        raise typer.Exit(REFUSED)


def _print(corpus: Corpus, path: Path, skipped: dict[str, int]) -> None:
    from rich.text import Text

    from gateway.cli.tables import show, table
    from gateway.workbench.record.live import endpoints_of, skipped_in_words

    shown = table("endpoint", ">status", ">cases", ">requests")
    for endpoint, status, cases, requests in endpoints_of(corpus):
        shown.add_row(Text(endpoint), str(status or "–"), str(cases), f"{requests:,}")
    if corpus.cases:
        show(shown)
    for line in skipped_in_words(skipped):
        say(f"Left out: {line}")
    say(f"{counted(len(corpus), 'case')} of {corpus.about.requests:,} requests in {path}")
