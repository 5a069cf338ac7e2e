"""The output of `gateway status`, `diffs` and `history` on a terminal."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from gateway.cli.advice import climbs, next_move
from gateway.rollout.guard import Verdict
from gateway.rollout.stage import CANARY, LIVE, SHADOW
from gateway.server.terminal import STAGE_STYLES, in_colour
from gateway.wording import counted, duration, visible
from gateway.workbench.describe import stage_of

if TYPE_CHECKING:
    from gateway.config.routes import RouteConfig
    from gateway.control.reports import OrphanedRoute, RouteStatus, SideStats, WorkerReport

__all__ = ["console", "full_table", "local", "overview", "show", "table"]

LATELY = "in the last hour, or since the route is where it is"
STAYS = "stays until it is moved"  # the default, which is not printed
SILENT = timedelta(seconds=15)  # workers send a heartbeat at least every ten seconds
_VERDICTS = {"healthy": "green", "failing": "bold red", "inconclusive": "yellow"}
# In a narrow terminal, rich would wrap every cell of a table, numbers included.
_ENDLESS = 10_000


def console() -> Console:
    """The console for output that isn't plain text. Long lines are wrapped by the terminal."""
    return Console(
        color_system="auto" if in_colour(sys.stdout) else None, width=_ENDLESS, highlight=False, markup=False
    )


def show(shown: RenderableType, screen: Console | None = None) -> None:
    """Print it without trailing spaces, which would become lines of their own in a narrow terminal."""
    screen = screen or console()
    with screen.capture() as capture:
        screen.print(Segments(_visible(screen.render(shown))), end="")
    for line in capture.get().splitlines():
        screen.file.write(f"{line.rstrip()}\n")
    screen.file.flush()


def _visible(segments: Iterable[Segment]) -> list[Segment]:
    """The segments with their text as it may be shown: styles become control sequences afterwards."""
    return [one if one.control else Segment(visible(one.text), one.style) for one in segments]


def table(*titles: str) -> Table:
    """A table without lines."""
    made = Table(box=None, pad_edge=False, header_style="")
    for title in titles:
        heading = Text.assemble((title.lstrip(">"), "bold"))  # a column's style would also apply to spaces
        made.add_column(heading, overflow="fold", justify="right" if title.startswith(">") else "left")
    return made


def local(moment: datetime) -> str:
    """A timestamp in the project's time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def overview(
    routes: Sequence[RouteStatus],
    configs: Sequence[RouteConfig],
    orphans: Sequence[OrphanedRoute],
    workers: Sequence[WorkerReport],
    now: datetime,
) -> RenderableType:
    """A line for each route: how both sides do, its state, and what can be done next."""
    made = table("route", "stage", ">service", ">legacy", ">parity", "now, and next")
    for route, config in zip(routes, configs, strict=True):
        lately = route.lately
        service = lately.service_mirrored if route.effective.stage == SHADOW else lately.service
        parity = lately.mirrors.parity
        moved = f" (file: {stage_of(route.declared)})" if route.effective != route.declared else ""
        made.add_row(
            Text(route.route, style="bold"),
            Text(stage_of(route.effective) + moved, style=STAGE_STYLES[route.effective.stage]),
            *(_in_short(side) for side in (service, lately.legacy)),
            Text("–" if parity is None else f"{parity:.1f} % of {lately.mirrors.compared:,}"),
            Text(f"{_judged(route, config)}{_do(route, config)}"),
        )
    return Group(made, Text(LATELY, style="dim"), *_rest(orphans, workers, routes, now))


def _in_short(side: SideStats) -> Text:
    if not side.requests:
        return Text("–")
    return Text(f"{side.requests:,}, {side.error_rate * 100:.1f} % errors", style="red" if side.errors else "")


def _judged(route: RouteStatus, config: RouteConfig) -> str:
    """The verdict of the guard, or of comparisons; "" if there is none."""
    if route.effective.stage == SHADOW and config.mirrors_nothing:
        return "nothing of it is compared; "
    if route.verdict is None:
        return ""
    reasons = "" if route.verdict.verdict is Verdict.HEALTHY else f": {'; '.join(route.verdict.reasons)}"
    return f"{route.verdict.verdict.value}{reasons}; "


def _do(route: RouteStatus, config: RouteConfig) -> str:
    """The next automatic step, or what an operator can do."""
    state = route.effective
    failing = route.verdict is not None and route.verdict.verdict is Verdict.FAILING
    if state.stage in (CANARY, LIVE) and failing:
        return "is about to be rolled back"
    if route.differences.breaking and (failing or state.stage == SHADOW):
        found = route.differences.breaking
        return f"`gateway diffs {route.route}` shows {found:,} breaking difference{'' if found == 1 else 's'}"
    if state.stage == CANARY and climbs(config):
        return f"`gateway resume {route.route}` lets it go on" if state.paused else route.next
    if state.stage == LIVE:
        return "stays"
    waits = "once there is evidence, " if _lacks_evidence(route, config) else ""
    if waits and route.lacking is not None and route.verdict is not None and route.verdict.verdict is Verdict.HEALTHY:
        waits = f"{route.lacking}; {waits}"
    return waits + next_move(state, config)


def _lacks_evidence(route: RouteStatus, config: RouteConfig) -> bool:
    """Whether `gateway promote` is likely to refuse. It may also succeed: it uses more than the guard's window."""
    if route.effective.stage not in (SHADOW, CANARY) or route.verdict is None or config.mirrors_nothing:
        return False
    return route.verdict.verdict is not Verdict.HEALTHY or route.lacking is not None


def full_table(
    routes: Sequence[RouteStatus], orphans: Sequence[OrphanedRoute], workers: Sequence[WorkerReport], now: datetime
) -> RenderableType:
    """A table with both sides of every route, and notes about each below it."""
    made = table("route", "stage", "verdict", "side", ">requests", ">errors", ">p50", ">p95", ">parity")
    for route in routes:
        _add(made, route)
    lines = [line for route in routes for line in _notes(route, now)]
    return Group(made, Text(LATELY, style="dim"), Text(""), *lines, *_rest(orphans, workers, routes, now))


def _rest(
    orphans: Sequence[OrphanedRoute], workers: Sequence[WorkerReport], routes: Sequence[RouteStatus], now: datetime
) -> Iterator[Text]:
    """Notes that aren't about one route."""
    for orphan in orphans:
        yield Text(f"{orphan.route}: not in the file any more; it was at {orphan.current_state.state}")
    yield from _workers(workers, routes, now)


def _add(made: Table, route: RouteStatus) -> None:
    verdict = route.verdict.verdict.value if route.verdict is not None else "–"
    lately, mirrors = route.lately, route.lately.mirrors
    parity = "–" if mirrors.parity is None else f"{mirrors.parity:.1f} %"
    made.add_row(
        Text(route.route, style="bold"),
        Text(stage_of(route.effective), style=STAGE_STYLES[route.effective.stage]),
        Text(verdict, style=_VERDICTS.get(verdict, "")),
        *_side(route.service, lately.service, lately.service_mirrored, mirrored=route.effective.stage == SHADOW),
        Text(parity, style="red" if route.differences.breaking else ""),
    )
    declared = f"file: {stage_of(route.declared)}" if route.changed else ""
    compared = f"of {mirrors.compared:,}" if mirrors.compared else ""
    legacy = _side("legacy", lately.legacy, lately.legacy_mirrored)
    made.add_row("", Text(declared, style="dim"), "", *legacy, Text(compared, style="dim"))


def _side(name: str, callers: SideStats, mirrors: SideStats, *, mirrored: bool = False) -> list[Text]:
    """One side: its responses to callers; or to mirrors, if it had no callers or is only `mirrored` now."""
    side = mirrors if mirrors.requests and (mirrored or not callers.requests) else callers
    errors = f"{side.error_rate * 100:.1f} %" if side.requests else "–"
    requests = f"{side.requests:,}{' mirrors' if side is mirrors and side.requests else ''}"
    cells = [name, requests, errors, _duration(side.p50), _duration(side.p95)]
    return [Text(cell, style="red" if cell is errors and side.errors else "") for cell in cells]


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)


def _notes(route: RouteStatus, now: datetime) -> Iterator[Text]:
    """Notes about a route, one line each, below its name."""
    start = f"{route.route}: "
    for text in _said(route, now):
        yield Text(f"{start}{text}")
        start = " " * len(start)


def _said(route: RouteStatus, now: datetime) -> Iterator[str]:
    current, mirrors, differences = route.current_state, route.lately.mirrors, route.differences
    if route.changed:
        since = f" {_ago((now - current.since).total_seconds())}" if current.since is not None else ""
        yield f"by {current.who}{since}{f': {current.why}' if current.why else ''} (revision {current.revision})"
    if route.verdict is not None:
        yield from (f"{route.verdict.verdict.value}, {reason}" for reason in route.verdict.reasons)
    if fallbacks := route.lately.service.fallbacks:
        yield f"legacy answered {fallbacks:,} times for {route.service}, which counts as its errors"
    hour = route.hour
    if hour.middleware:
        yield f"the project's middleware failed {_times(hour.middleware)} around {route.service}: none of its errors"
    if hour.shared:
        yield f"both sides failed {_times(hour.shared)}, or what they lean on did: none of {route.service}'s errors"
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


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


def _workers(workers: Sequence[WorkerReport], routes: Sequence[RouteStatus], now: datetime) -> Iterator[Text]:
    """How many processes serve, which are behind, and what they could not store."""
    here = [worker for worker in workers if now - worker.seen < SILENT]
    if here:
        newest = max([worker.revision for worker in here] + [route.current_state.revision for route in routes])
        behind = ", ".join(f"{_named(worker)} at {worker.revision}" for worker in here if worker.revision < newest)
        yield Text(
            f"{counted(len(here), 'worker')} at revision {newest}" + (f", but {behind}" if behind else ""),
            style="yellow" if behind else "",
        )
    else:
        yield Text("No worker serves now.", style="yellow")
    for worker in workers:
        if worker not in here:
            yield Text(f"{_named(worker)} was last seen {_ago((now - worker.seen).total_seconds())}", style="dim")
    for worker in here:
        for cause in worker.resting.values():
            yield Text(f"{_named(worker)}: {cause}", style="bold red")
    refused = Counter[str]()
    for worker in here:
        refused.update(worker.refused)
    if refused:
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(refused.items()))
        yield Text(f"requests that reached no upstream, since the workers started: {statuses}; the log says why")
    lost = sum(worker.lost_requests + worker.lost_differences for worker in workers)
    if lost:
        yield Text(
            f"{lost:,} requests and differences could not be stored, and are not in these numbers", style="yellow"
        )


def _named(worker: WorkerReport) -> str:
    return f"{worker.host}:{worker.pid}"
