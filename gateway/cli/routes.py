"""`gateway routes`: the routes, and what they claim."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, print_json
from gateway.rollout.stage import CANARY
from gateway.server.terminal import STAGE_STYLES, in_colour

__all__ = ["EPILOG", "routes"]

EPILOG = """\
\b
Examples:
  gateway routes
  gateway routes --verbose                  with every path template that a route claims, and every URL of the project
                                            that it takes over
  gateway routes --json | jq '.routes[].endpoints'

An exact path wins over a template, a template over a prefix, a longer prefix over a shorter one; Django answers \
everything else.
"""


def routes(
    context: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List every claimed path template.")] = False,
) -> None:
    """List the routes in order of precedence."""
    from gateway.workbench import describe
    from gateway.workbench.runtime_states import put_in_force

    gateway = build(config_path(context, config))
    states = put_in_force(gateway)
    found = describe.routes(gateway)
    if as_json:
        print_json("routes", stages=states.described(), routes=[describe.route_document(route) for route in found])
    elif not found:
        typer.echo("There are no routes: Django answers everything.")
    else:
        _print(found, verbose=verbose)


def _print(found: list[dict[str, Any]], *, verbose: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from gateway.workbench.taken import url_line

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("route", "pattern", "methods", "service", "claim", "stage"):
        table.add_column(title, overflow="fold")
    for route in found:
        pattern = f"path {route['path']}" if route["path"] else f"prefix {route['prefix']}"
        methods = " ".join(route["methods"]) or "any"
        state = route["effective"]
        weight = f" {state.weight:g} %" if state.stage == CANARY else ""
        stage = Text(state.stage + weight, style=STAGE_STYLES[state.stage])
        cells = [Text(cell) for cell in (pattern, methods, route["service"], route["claim"])]
        table.add_row(Text(route["name"], style="bold"), *cells, stage)
        for endpoint in route["endpoints"] if verbose else ():
            path = f"  {endpoint['path']}" + (" and below" if endpoint["below"] else "")
            table.add_row("", Text(path), " ".join(endpoint["methods"]) or "any")
        for url in route["takes_over"] if verbose else ():
            table.add_row("", Text(f"  takes over {url_line(url)}", style="dim"))
    # A pipe has no width; lines must not be wrapped there.
    width = None if sys.stdout.isatty() else 10_000
    Console(color_system="auto" if in_colour(sys.stdout) else None, width=width, markup=False).print(table)
