"""`gateway openapi`: the API document of what is served, and what changes for clients of moved endpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, build, config_path, misuse, print_json, silenced, spinning

if TYPE_CHECKING:
    from rich.text import Text

    from gateway.app import Gateway
    from gateway.workbench.apidiff.change import ClientChange
    from gateway.workbench.apidiff.moved import MovedOperation

__all__ = ["EPILOG", "openapi"]

EPILOG = """\
\b
Examples:
  gateway openapi > openapi.json                     what is served now, in OpenAPI 3.1
  gateway openapi --diff                             what changes for clients of the endpoints that routes claim
  gateway openapi --diff catalog --strict            one route; warnings count too
  gateway openapi --diff --json | jq '.operations[].changes[]'

\b
The document is that of /openapi.json: the project's operations by drf-spectacular (pip install \
"django-fastapi-gateway[docs]"), the services' by FastAPI, each with the upstream that serves it and its stage.

\b
--diff compares the project's document with the service's, whatever the stage of the route, so before the first caller
gets the new response. Each change has a rule and a severity; docs/openapi.md explains them. It reads documents only:
`gateway contract` and `gateway replay` compare the endpoints themselves.

\b
Status 0: the document is printed, or nothing breaks clients. Status 1: a change is breaking (with --strict, a warning
too). Status 2: there is no such route. Status 3: the configuration can't be used.
"""

STYLES = {"breaking": "red", "warning": "yellow", "note": "dim"}


def openapi(
    context: typer.Context,
    route: Annotated[str | None, typer.Argument(metavar="[ROUTE]", help="With --diff: only this route.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print what changes for clients of moved endpoints.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="With --diff: warnings count as breaking.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="With --diff: print notes, too.")] = False,
) -> None:
    """Print the API document of what is served, or what changes for clients."""
    if (route is not None or strict) and not diff:
        misuse("ROUTE and --strict go with --diff")
    gateway = build(config_path(context, config))
    if route is not None and route not in gateway.snapshot.routes:
        misuse(f"there is no route {route!r}; there are {', '.join(gateway.snapshot.routes) or 'none'}")
    if not diff:
        _print_document(gateway, as_json=as_json)
        return
    moved, notes = _moved(gateway, route)
    broken = any(True for one in moved for _ in _blocking(one.changes, strict=strict))
    if as_json:
        operations = [_described(one) for one in moved]
        print_json("openapi", ok=not broken, document=None, operations=operations, left_out=list(notes))
    else:
        _print(moved, notes, verbose=verbose)
    if broken:
        raise typer.Exit(1)


def _print_document(gateway: Gateway, *, as_json: bool) -> None:
    from gateway.composition import api_document
    from gateway.workbench.runtime_states import put_in_force

    put_in_force(gateway)
    with silenced(), spinning("reading the documents"):
        made = api_document(gateway.services, gateway.legacy)
        document = made.of(gateway.snapshot, gateway.resolver.root_path)
    if as_json:
        print_json("openapi", ok=True, document=document, operations=None, left_out=list(made.sources.notes))
    else:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _moved(gateway: Gateway, route: str | None) -> tuple[list[MovedOperation], Sequence[str]]:
    from gateway.composition import api_document
    from gateway.workbench.apidiff.moved import moved_operations

    with silenced(), spinning("comparing"):
        sources = api_document(gateway.services, gateway.legacy).sources
        return moved_operations(sources, gateway.snapshot, route), sources.notes


def _blocking(changes: Sequence[ClientChange], *, strict: bool) -> Iterator[ClientChange]:
    return (one for one in changes if one.severity.blocks or (strict and one.severity.value == "warning"))


def _described(one: MovedOperation) -> dict[str, Any]:
    """One operation in the form of `OpenapiOperation` in workbench/shapes."""
    return {
        "route": one.route,
        "service": one.service,
        "method": one.method,
        "path": one.path,
        "changes": [
            {
                "rule": change.rule,
                "severity": change.severity.value,
                "place": change.place or None,
                "message": change.message,
                "legacy": change.legacy or None,
                "service": change.service or None,
            }
            for change in one.changes
        ],
    }


def _print(moved: Sequence[MovedOperation], notes: Sequence[str], *, verbose: bool) -> None:
    from rich.console import Group

    from gateway.cli.tables import show, table

    for note in notes:
        typer.echo(f"Not compared: {note}", err=True)
    if not moved:
        typer.echo("No operation of the project's document is claimed by a route.")
        return
    made = table("route", "operation", "service", "for clients")
    for one in moved:
        made.add_row(one.route, f"{one.method} {one.path}", one.service, _verdict(one))
    show(Group(made, *(line for one in moved for line in _lines(one, verbose=verbose))))


def _verdict(one: MovedOperation) -> Text:
    from collections import Counter

    from rich.text import Text

    counts = Counter(change.severity.value for change in one.changes)
    if not one.changes:
        return Text("no change", style="green")
    worst = one.changes[0].severity.value
    return Text(", ".join(f"{counts[name]} {name}" for name in STYLES if counts[name]), style=STYLES[worst])


def _lines(one: MovedOperation, *, verbose: bool) -> Iterator[Text]:
    from rich.text import Text

    changes = [change for change in one.changes if verbose or change.severity.value != "note"]
    if changes:
        yield Text(f"\n{one.method} {one.path}", style="bold")
    for change in changes:
        severity = change.severity.value
        values = f"  ({change.legacy or '–'} → {change.service or '–'})" if change.legacy or change.service else ""
        place = f"{change.place}: " if change.place else ""
        yield Text.assemble(
            "  ", (severity, STYLES[severity]), f"  {change.rule}  {place}{change.message}", (values, "dim")
        )
