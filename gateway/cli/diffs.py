"""`gateway diffs`: what differs between a service and legacy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, print_json
from gateway.cli.project import asking_the_database, need_control, opened, route_named

if TYPE_CHECKING:
    from rich.text import Text

    from gateway.config import RouteConfig
    from gateway.control.reports import DifferenceReport

__all__ = ["EPILOG", "diffs"]

EPILOG = """\
\b
Examples:
  gateway diffs catalog
  gateway diffs catalog --all                 noise too, and every example
  gateway diffs catalog --json | jq '.groups[] | select(.severity == "breaking")'

Differences are grouped by URL template, kind and place. Noise is what legacy differs in from itself about as often. \
One that you can live with goes into [[routes.compare.accepted]], with a reason and a last day.
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

    with asking_the_database():
        groups = reports.differences(route)
    marked = [(group, is_noise(group, found)) for group in groups]
    if as_json:
        print_json({"route": route, "groups": [{**asdict(group), "is_noise": noise} for group, noise in marked]})
    else:
        _print(route, marked, everything=everything)


def is_noise(group: DifferenceReport, route: RouteConfig) -> bool:
    """Whether legacy differs so from itself about as often as the service does.

    Only a share of the mirrored requests, `mirror.control`, is a control, so that a difference there counts for more.
    """
    from gateway.parity import noise

    share = route.mirror.control / 100
    if not share or not group.noise:
        return False
    # In how many comparisons isn't kept. As both rates have the same base, it only has to be large enough.
    total = max(group.count, math.ceil(group.noise / share))
    return noise.is_noise(group.count, total, group.noise, max(group.noise, round(total * share)))


def _print(route: str, marked: Sequence[tuple[DifferenceReport, bool]], *, everything: bool) -> None:
    from gateway.cli.board import console

    shown = [(group, noise) for group, noise in marked if everything or not noise]
    screen = console()
    for group, noise in shown:
        for line in _lines(group, noise=noise, examples=None if everything else 1):
            screen.print(line)
    hidden = len(marked) - len(shown)
    if not marked:
        typer.echo(f"No differences of {route} are stored; `gateway status {route}` says how much was compared.")
    elif hidden:
        typer.echo(f"{hidden} more {'is' if hidden == 1 else 'are'} noise; --all shows it.")


def _lines(group: DifferenceReport, *, noise: bool, examples: int | None) -> Iterator[Text]:
    from rich.text import Text

    from gateway.cli.board import local

    style = "dim" if noise else {"breaking": "red", "warning": "yellow"}.get(group.severity, "")
    requests = "1 request" if group.count == 1 else f"{group.count:,} requests"
    mark = f"noise, {group.severity}" if noise else group.severity
    yield Text.assemble((mark, style), f"  {group.template}  {group.summary}, {requests}")
    controls = f"; {group.noise:,} times of legacy with itself" if group.noise else ""
    yield Text(f"    from {local(group.first_seen)} to {local(group.last_seen)}{controls}", style="dim")
    for example in list(group.examples)[:examples]:
        yield Text(f"    {_example(example)}")


def _example(example: Any) -> str:
    place = f" {example['pointer']}" if example["pointer"] else ""
    return f"{example['target']}{place}: {example['expected']} → {example['actual']}"
