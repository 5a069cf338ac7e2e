"""What `gateway status`, `diffs` and `history` look like on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gateway.cli.describe import stage_of
from gateway.cli.terminal import STAGE_STYLES, in_colour
from gateway.rollout.stage import SHADOW

if TYPE_CHECKING:
    from gateway.control.reports import Orphan, RouteStatus, Side, WorkerReport

__all__ = ["board", "console", "local", "show", "table"]

STAYS = "stays until it is moved"  # as all routes do, unless something else is said
SILENT = timedelta(seconds=15)  # a worker that has nothing else to write signs every ten seconds
_VERDICTS = {"healthy": "green", "failing": "bold red", "inconclusive": "yellow"}
# Of a table in a narrow terminal, rich would break every cell, numbers included.
_ENDLESS = 10_000


def console() -> Console:
    """Where commands print what isn't plain text. What is too long for a terminal, the terminal breaks."""
    return Console(color_system="auto" if in_colour(sys.stdout) else None, width=_ENDLESS, highlight=False)


def show(shown: RenderableType, screen: Console | None = None) -> None:
    """Print it, without the spaces that fill up lines: they would be lines of their own in a narrow terminal."""
    screen = screen or console()
    with screen.capture() as capture:
        screen.print(shown)
    for line in capture.get().splitlines():
        screen.file.write(f"{line.rstrip()}\n")
    screen.file.flush()


def table(*titles: str) -> Table:
    """A table without lines."""
    made = Table(box=None, pad_edge=False, header_style="")
    for title in titles:
        heading = Text.assemble((title.lstrip(">"), "bold"))  # a style of its own would cover the spaces too
        made.add_column(heading, overflow="fold", justify="right" if title.startswith(">") else "left")
    return made


def local(moment: datetime) -> str:
    """A moment in the project's time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def board(
    routes: Sequence[RouteStatus], orphans: Sequence[Orphan], workers: Sequence[WorkerReport], now: datetime
) -> RenderableType:
    """Both sides of every route in a table, and below it what there is to say of each."""
    made = table("route", "stage", "verdict", "side", ">requests", ">errors", ">p50", ">p95", ">parity")
    for route in routes:
        _add(made, route)
    lines = [line for route in routes for line in _notes(route, now)]
    lines += [
        Text(f"{orphan.route}: not in the file any more; it was at {orphan.standing.state}") for orphan in orphans
    ]
    return Group(made, Text("in the last hour", style="dim"), Text(""), *lines, *_workers(workers, routes, now))


def _add(made: Table, route: RouteStatus) -> None:
    verdict = route.verdict.verdict.value if route.verdict is not None else "–"
    hour, mirrors = route.hour, route.hour.mirrors
    parity = "–" if mirrors.parity is None else f"{mirrors.parity:.1f} %"
    made.add_row(
        Text(route.route, style="bold"),
        Text(stage_of(route.effective), style=STAGE_STYLES[route.effective.stage]),
        Text(verdict, style=_VERDICTS.get(verdict, "")),
        *_side(route.service, hour.service, hour.service_mirrored, mirrored=route.effective.stage == SHADOW),
        Text(parity, style="red" if route.differences.breaking else ""),
    )
    declared = f"file: {stage_of(route.declared)}" if route.changed else ""
    compared = f"of {mirrors.compared:,}" if mirrors.compared else ""
    legacy = _side("legacy", hour.legacy, hour.legacy_mirrored)
    made.add_row("", Text(declared, style="dim"), "", *legacy, Text(compared, style="dim"))


def _side(name: str, callers: Side, mirrors: Side, *, mirrored: bool = False) -> list[Text]:
    """One side: how it answered callers; mirrors, where it had no callers or is only `mirrored` by now."""
    side = mirrors if mirrors.requests and (mirrored or not callers.requests) else callers
    errors = f"{side.error_rate * 100:.1f} %" if side.requests else "–"
    requests = f"{side.requests:,}{' mirrors' if side is mirrors and side.requests else ''}"
    cells = [name, requests, errors, _duration(side.p50), _duration(side.p95)]
    return [Text(cell, style="red" if cell is errors and side.errors else "") for cell in cells]


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _notes(route: RouteStatus, now: datetime) -> Iterator[Text]:
    """What there is to say of a route, a line each, below its name."""
    start = f"{route.route}: "
    for text in _said(route, now):
        yield Text(f"{start}{text}")
        start = " " * len(start)


def _said(route: RouteStatus, now: datetime) -> Iterator[str]:
    standing, mirrors, differences = route.standing, route.hour.mirrors, route.differences
    if route.changed:
        since = f" {_ago((now - standing.since).total_seconds())}" if standing.since is not None else ""
        yield f"by {standing.who}{since}{f': {standing.why}' if standing.why else ''} (revision {standing.revision})"
    if route.verdict is not None:
        yield from (f"{route.verdict.verdict.value}, {reason}" for reason in route.verdict.reasons)
    if fallbacks := route.hour.service.fallbacks:
        yield f"legacy answered {fallbacks:,} times for {route.service}, which counts as its errors"
    if differences.breaking or differences.warning or differences.noise:
        noise = f", {differences.noise} noise" if differences.noise else ""
        beyond = f", and {differences.beyond:,} without room" if differences.beyond else ""
        groups = f"{differences.breaking} breaking, {differences.warning} warning{noise}{beyond}"
        yield f"differences: {groups}; `gateway diffs {route.route}`"
    if dropped := sum(mirrors.dropped.values()):
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in mirrors.dropped.items())
        yield f"mirrors: {mirrors.mirrored:,} sent, {dropped:,} dropped ({reasons})"
    if route.next != STAYS:
        yield f"it {route.next}"


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


def _workers(workers: Sequence[WorkerReport], routes: Sequence[RouteStatus], now: datetime) -> Iterator[Text]:
    """How many processes serve, which are behind, and what they could not store."""
    here = [worker for worker in workers if now - worker.seen < SILENT]
    if here:
        newest = max([worker.revision for worker in here] + [route.standing.revision for route in routes])
        behind = ", ".join(f"{_named(worker)} at {worker.revision}" for worker in here if worker.revision < newest)
        count = "1 worker" if len(here) == 1 else f"{len(here)} workers"
        yield Text(
            f"{count} at revision {newest}" + (f", but {behind}" if behind else ""), style="yellow" if behind else ""
        )
    else:
        yield Text("No worker serves now.", style="yellow")
    for worker in workers:
        if worker not in here:
            yield Text(f"{_named(worker)} was last seen {_ago((now - worker.seen).total_seconds())}", style="dim")
    lost = sum(worker.lost_requests + worker.lost_differences for worker in workers)
    if lost:
        yield Text(
            f"{lost:,} requests and differences could not be stored, and are not in these numbers", style="yellow"
        )


def _named(worker: WorkerReport) -> str:
    return f"{worker.host}:{worker.pid}"
