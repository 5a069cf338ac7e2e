"""`gateway verify`: whether a moved endpoint is ready, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, operator, print_json, silenced
from gateway.cli.project import route_named

if TYPE_CHECKING:
    from gateway.workbench.verify import Verification

__all__ = ["EPILOG", "verify"]

EPILOG = """\
\b
Examples:
  gateway verify catalog
  gateway verify catalog --corpus recordings/catalog.jsonl
  gateway verify catalog --generate
  gateway verify catalog --json | jq -r .next

\b
One verdict from what several commands find:
  check       the configuration is valid                         gateway check
  contract    the endpoint declares what the view declares       gateway contract ROUTE
  types       the project's type checker agrees with its code    mypy or pyright, where one is installed
  replay      both sides' responses to requests are equal        gateway replay
  traffic     the evidence for the route's next stage            gateway status ROUTE

\b
Status 0: passed; both sides were found to be equal. Status 1: something failed, or nothing has proved it yet; the last
line says what to do next. Status 2: there is no such route. Status 3: the configuration can't be used.
"""

STYLES = {"passed": "green", "failed": "bold red", "unknown": "yellow"}


def verify(
    context: typer.Context,
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="The route's name in gateway.toml.")],
    corpus: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recorded requests to be replayed.", show_default=False)
    ] = None,
    generate: Annotated[
        bool, typer.Option("--generate", help="Also replay requests generated from the service's API document.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether a moved endpoint equals the old one, and what to do next."""
    from gateway.workbench.verify import StepVerdict, Verification
    from gateway.workbench.verify import verify as steps

    gateway = build(config_path(context, config))
    named = route_named(gateway.config, route)
    with silenced():
        found = Verification(route, list(steps(gateway, named, operator(), corpus, generate=generate)))
    if as_json:
        print_json("verify", **_described(found))
    else:
        _print(found)
    if found.verdict is not StepVerdict.PASSED:
        raise typer.Exit(1)


def _described(found: Verification) -> dict[str, Any]:
    """The verification in the form of `VerifyDocument` in workbench/shapes."""
    keys = ("summary", "next")
    steps = [
        {"step": one.name, "verdict": one.verdict.value, "details": [*one.details]}
        | {key: getattr(one, key) for key in keys}
        for one in found.steps
    ]
    return {"route": found.route, "verdict": found.verdict.value, "steps": steps, "next": found.next}


def _print(found: Verification) -> None:
    from rich.console import Group
    from rich.text import Text

    from gateway.cli.tables import show, table

    made = table("step", "verdict", "")
    for step in found.steps:
        made.add_row(step.name, Text(step.verdict.value, style=STYLES[step.verdict.value]), step.summary)
    details = [Text(f"  {step.name}: {line}") for step in found.steps for line in step.details]
    last = f"\n{found.route}: {found.verdict.value}" + (f". Next: {found.next}" if found.next else "")
    show(Group(made, *details, Text(last, style="bold")))
