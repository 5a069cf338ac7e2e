"""`gateway diffs`: what differs between a service and legacy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, print_json
from gateway.cli.project import asking_the_database, need_control, opened, route_named

if TYPE_CHECKING:
    from datetime import datetime

    from rich.text import Text

    from gateway.control.reports import DifferenceReport

__all__ = ["EPILOG", "diffs"]

EPILOG = """\
\b
Examples:
  gateway diffs catalog
  gateway diffs catalog --all                 noise too, and every example
  gateway diffs catalog --json | jq '.groups[] | select(.verdict.noise | not)'

Differences are grouped by URL template, kind and place. Noise is what legacy differs in from itself about as often. \
One that you can live with goes into [[routes.compare.accepted]], with a reason and a last day. One that was mended \
stays for 30 days; it says when it was last seen.
"""


def diffs(
    context: typer.Context,
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="The route's name in gateway.toml.")],
    everything: Annotated[bool, typer.Option("--all", help="Show noise too, and every example.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the differences that mirrors have found, the worst first."""
    loaded = opened(context, config)
    found = route_named(loaded, route)
    need_control(loaded)
    from gateway.control import reports
    from gateway.control.moves import standing

    with asking_the_database():
        groups = reports.differences(route)
        since = standing(found).since
    if as_json:
        print_json({"route": route, "groups": [asdict(group) for group in groups]})
    else:
        _print(route, groups, since, everything=everything)


def _print(route: str, groups: Sequence[DifferenceReport], since: datetime | None, *, everything: bool) -> None:
    from gateway.cli.board import console

    shown = [group for group in groups if everything or not group.verdict.noise]
    screen = console()
    for group in shown:
        for line in _lines(group, since, everything=everything):
            screen.print(line)
    hidden = len(groups) - len(shown)
    if not groups:
        typer.echo(f"No differences of {route} are stored; `gateway status {route}` says how much was compared.")
    elif hidden:
        typer.echo(f"{hidden} more {'is' if hidden == 1 else 'are'} noise; --all shows it.")


def _lines(group: DifferenceReport, since: datetime | None, *, everything: bool) -> Iterator[Text]:
    from rich.text import Text

    from gateway.cli.board import local

    noise = group.verdict.noise
    style = "dim" if noise else {"breaking": "red", "warning": "yellow"}.get(group.severity, "")
    requests = "1 request" if group.count == 1 else f"{group.count:,} requests"
    mark = f"noise ({group.severity})" if noise else group.severity
    yield Text.assemble((mark, style), f"  {group.template}  {group.summary}, {requests}")
    gone = ", not since the route was moved last" if since is not None and group.last_seen < since else ""
    yield Text(f"    from {local(group.first_seen)} to {local(group.last_seen)}{gone}", style="dim")
    if everything:
        yield Text(f"    {group.verdict.explanation}", style="dim")
    for example in list(group.examples)[: None if everything else 1]:
        yield Text(f"    {_example(example)}")


def _example(example: Any) -> str:
    place = f" {example['pointer']}" if example["pointer"] else ""
    return f"{example['target']}{place}: {example['expected']} → {example['actual']}"
