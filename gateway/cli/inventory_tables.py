"""The output of `gateway inventory` on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from gateway.cli.tables import local, show, table
from gateway.rollout.stage import CANARY
from gateway.server.terminal import STAGE_STYLES

if TYPE_CHECKING:
    from gateway.workbench.inventory.described import LookedUp
    from gateway.workbench.inventory.ranking import Candidate
    from gateway.workbench.inventory.report import Inventory, InventoryEntry, MoveProgress

__all__ = ["show_inventory", "show_next"]

GROUPED = ("admin", "static", "installed")
WORDS = {"installed": "of what is installed"}


def show_inventory(
    found: Inventory, entries: Sequence[InventoryEntry], looked_up: LookedUp, why: str | None, *, verbose: bool
) -> None:
    """Print a line for each endpoint, with `verbose` all details, and a summary."""
    own = any(entry.group not in GROUPED for entry in found.entries)
    parts: list[RenderableType] = [Text("There is no such endpoint." if own else "No endpoint is the project's own.")]
    if entries and verbose:
        parts = [line for entry in entries for line in _block(entry, looked_up)]
    elif entries:
        counted = ("requests", "errors", "p50", "p95", "bytes")
        made = table("endpoint", "view", "stage", *(f">{title}" for title in counted if why is None), "last asked")
        for entry in entries:
            made.add_row(*_row(entry, counted=why is None))
        parts = [made]
    show(Group(*parts, Text(), *_below(found, entries, why)))


def show_next(candidates: Sequence[Candidate]) -> None:
    """Print which endpoints to move next, and why."""
    if not candidates:
        show(Text("Nothing is left to move."))
        return
    lines = []
    for place, one in enumerate(candidates, 1):
        lines.append(Text.assemble(f"{place}. ", (str(one.entry.endpoint), "bold"), f"  {one.score}"))
        lines += [Text(f"   {reason}", style="dim") for reason in one.reasons]
    show(Group(*lines))


def _block(entry: InventoryEntry, looked_up: LookedUp) -> Iterator[Text]:
    endpoint, view, stage, *_ = _row(entry, counted=False)
    yield Text("  ").join([endpoint, view, stage])
    yield from (Text(f"    {line}", style="dim") for line in _more(entry, looked_up))


def _row(entry: InventoryEntry, *, counted: bool) -> list[Text]:
    one = entry.endpoint
    claimed = entry.serving.claimed
    weight = f" {claimed.state.weight:g} %" if claimed is not None and claimed.state.stage == CANARY else ""
    stage = Text(entry.stage + weight, style=STAGE_STYLES[entry.stage])
    if claimed is not None:
        stage.append(f" {claimed.route}", "dim")
    return [
        Text.assemble(f"{one.method} ", (one.template, "bold" if entry.dead is None else "dim")),
        Text(one.view.removeprefix(f"{one.view.rpartition('.')[0]}.") + (f".{one.action}" if one.action else "")),
        stage,
        *(_counts(entry) if counted else [Text(entry.dead or "")]),
    ]


def _counts(entry: InventoryEntry) -> list[Text]:
    if entry.usage is None or not entry.usage.requests:
        return [Text("–")] * 5 + [Text(entry.dead or "")]
    total = entry.usage.total
    p50, p95 = (total.histogram.quantile(q) for q in (0.5, 0.95))
    return [
        Text(f"{total.requests:,}"),
        Text(f"{total.errors:,}", style="red" if total.errors else ""),
        Text(_milliseconds(p50)),
        Text(_milliseconds(p95)),
        Text(_bytes(total.size)),
        Text(local(total.seen) if total.seen is not None else ""),
    ]


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:,.1f} ms"


def _bytes(size: int) -> str:
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}"
        size //= 1000
    return f"{size:,.0f} GB"


def _more(entry: InventoryEntry, looked_up: LookedUp) -> Iterator[str]:
    """Details, one line each."""
    from gateway.workbench.inventory.described import documented_at, relative
    from gateway.workbench.inventory.details import details_of

    one, details = entry.endpoint, details_of(entry.endpoint)
    if entry.usage is not None and entry.usage.requests:
        titles = ("requests", "errors", "p50", "p95", "of bodies", "asked last")
        cells = [cell.plain for cell in _counts(entry)]
        yield ", ".join(
            f"{cell} {title}" if index in (0, 1, 4) else f"{title} {cell}"
            for index, (title, cell) in enumerate(zip(titles, cells, strict=True))
        )
    yield f"{relative(one.file)}:{one.line}" + (f", URL {one.name}" if one.name else "")
    for title, names in (
        ("users by", details.authentication),
        ("allowed by", details.permissions),
        ("throttled by", details.throttles),
        ("filtered by", details.filters),
        ("forms", details.forms),
        ("templates", details.templates),
        ("waits on", details.waits_on),
    ):
        if names:
            yield f"{title} {', '.join(name.rpartition('.')[2] if title != 'templates' else name for name in names)}"
    if details.serializer:
        yield f"serializer {details.serializer}, {details.fields} fields"
    if details.pagination:
        yield f"pages by {details.pagination.rpartition('.')[2]}"
    if (documented := documented_at(one.method, one.template, looked_up.document)) is not None:
        yield f"documented as {documented.operation_id}"
    if entry.usage is not None and (asked := sorted(entry.usage.total.parameters)):
        yield f"asked with {', '.join(asked)}"
    if (percent := looked_up.coverage.percent(one) if looked_up.coverage is not None else None) is not None:
        yield f"tests run {percent:.0f} % of it"
    yield from (f"named in {relative(use.file)}:{use.line} ({use.kind})" for use in looked_up.uses.of(one))
    yield from details.notes


def _below(found: Inventory, entries: Sequence[InventoryEntry], why: str | None) -> Iterator[Text]:
    shown = set(map(id, entries))
    left_out = [entry for entry in found.entries if id(entry) not in shown]
    groups = Counter(entry.group for entry in left_out if entry.group in GROUPED)
    for group, count in groups.items():
        requests = sum(entry.usage.requests for entry in left_out if entry.group == group and entry.usage is not None)
        yield Text(f"{WORDS.get(group, group)}: {count:,} more, {requests:,} requests (--all)", style="dim")
    if suffixes := sum(entry.endpoint.format_suffix and entry.group not in GROUPED for entry in left_out):
        yield Text(f"with a format's suffix: {suffixes:,} more (--all)", style="dim")
    for one in found.elsewhere[:3]:
        yield Text(f"{one.upstream}, {one.method}: {one.label}: {one.stats.requests:,} requests", style="dim")
    yield _progress(found.progress, found.days)
    if why is not None:
        yield Text(why, style="yellow")


def _progress(progress: MoveProgress, days: int) -> Text:
    total = sum(progress.endpoints.values())
    stages = ", ".join(f"{count} {stage}" for stage, count in progress.endpoints.items() if count)
    line = f"{progress.moved} of {total} endpoints have moved" + (f" ({stages})" if stages else "")
    if progress.traffic_percent is not None:
        line += f"; services answered {progress.traffic_percent:.1f} % of the requests of {days} days"
    return Text(line)
