"""`gateway history`: the changes of routes: who, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.common import ConfigOption, JsonOption, print_json, say
from gateway.cli.project import asking_the_database, need_control, opened, route_named

if TYPE_CHECKING:
    from gateway.control.transitions import Transition

__all__ = ["EPILOG", "history"]

EPILOG = """\
\b
Examples:
  gateway history
  gateway history catalog --limit 5
  gateway history --json | jq '.changes[] | select(.who == "guard")'

It includes the guard's changes. Nothing is ever removed from it.
"""


def history(
    context: typer.Context,
    # Any name: routes that were removed from the file have a history too.
    route: Annotated[str | None, typer.Argument(metavar="ROUTE", help="One route. [default: all]")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many changes, newest first.")] = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the changes of routes, newest first."""
    loaded = opened(context, config)
    need_control(loaded)
    from gateway.control import reports

    with asking_the_database():
        changes = reports.changes(route, limit)
    if route is not None and not changes:
        route_named(loaded, route)  # fails for a misspelt name
    if as_json:
        from gateway.workbench.shapes import change

        print_json("history", changes=[change(moved) for moved in changes])
    elif not changes:
        say(f"{route or 'No route'} was {'never ' if route else ''}moved: what the file says holds.")
    else:
        _print(changes)


def _print(changes: Sequence[Transition]) -> None:
    from rich.text import Text

    from gateway.cli.tables import local, show, table

    shown = table(">revision", "at", "who", "route", "move", "why")
    for change in changes:
        verb = f"{change.verb} anyway" if change.anyway else change.verb
        move = verb if verb == "record" else f"{verb}: {change.before} → {change.after}"
        cells = [str(change.revision), local(change.at), change.who, change.route, move, change.why]
        shown.add_row(*(Text(cell) for cell in cells))
    show(shown)
