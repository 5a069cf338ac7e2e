"""`gateway contract`: compares a moved endpoint with the project's view."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import (
    ConfigOption,
    JsonOption,
    build,
    config_path,
    fail,
    misuse,
    print_json,
    silenced,
    spinning,
)

if TYPE_CHECKING:
    from rich.text import Text

    from gateway.app import Gateway
    from gateway.workbench.contract.result import ContractFinding, EndpointContract, RouteContract

__all__ = ["EPILOG", "contract"]

EPILOG = """\
\b
Examples:
  gateway contract                                   every route
  gateway contract catalog                           one route
  gateway contract "POST /api/products/"             one endpoint
  gateway contract legacy.shop.api.views.ProductViewSet --verbose
  gateway contract catalog --json | jq '.routes[].endpoints[].findings[]'

\b
Nothing is sent, no database is queried, and neither side is run: a moved endpoint is compared with the view at its
path, whatever the stage of its route. Run it first after writing an endpoint.
  request     each field of the view's serializer and of the endpoint's model: class, required, null, limits,
              choices, defaults, validators; then both read the same values: those that DRF and Pydantic are known to
              read differently, those at each limit, and others that hypothesis generates and shrinks
  response    names, types, null, and values as rows have them, written by both; a secret in a new field is critical
  callers     authentication, permissions (for four callers if the classes differ), throttles
  the rest    path and slash, methods, OPTIONS, status, parsers, renderers, errors, query parameters, pages, names

\b
What needs rows or a request (a unique name, validate() of a serializer, code in a view) is listed as not compared:
`gateway record` and `gateway replay` compare that.

\b
Status 0: nothing breaks the contract. Status 1: something does (with --strict, a warning too). Status 2: there is no
such route or endpoint. Status 3: the configuration can't be used.
"""

STYLES = {"critical": "bold red", "breaking": "red", "warning": "yellow", "note": "dim"}
MOST_EXAMPLES = 1  # in each line; --json has all

TargetArgument = Annotated[
    str | None, typer.Argument(metavar="[ROUTE|ENDPOINT]", help="A route, an endpoint or a view. [all]")
]
Examples = Annotated[int, typer.Option(min=1, metavar="N", help="The maximum number of values for each field.")]
Seed = Annotated[int, typer.Option(metavar="N", help="The seed of the values: equal seeds give equal values.")]


def contract(
    context: typer.Context,
    target: TargetArgument = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings break the contract too.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List what was compared, too.")] = False,
    examples: Examples = 50,
    seed: Seed = 0,
) -> None:
    """Compare moved endpoints with the project's views, without traffic, requests or rows."""
    from gateway.workbench import describe

    gateway = build(config_path(context, config))
    if not describe.is_django(gateway):
        fail("There are no views to compare with: legacy is a WSGI application, and no Django project.")
    if importlib.util.find_spec("hypothesis") is None:
        fail('gateway contract makes values with hypothesis: pip install "django-fastapi-gateway[workbench]"')
    found = _found(gateway, target, examples, seed)
    broken = any(True for one in found for _ in one.blocking(strict=strict))
    if as_json:
        print_json("contract", ok=not broken, seed=seed, routes=[_described(one) for one in found])
    else:
        _print(found, verbose=verbose)
    if broken:
        raise typer.Exit(1)


def _found(gateway: Gateway, target: str | None, examples: int, seed: int) -> list[RouteContract]:
    from gateway.workbench.contract.budget import TrialBudget
    from gateway.workbench.contract.compare import NothingClaimed, find_contracts

    try:
        contracts = find_contracts(gateway, target, TrialBudget(examples, seed))
    except NothingClaimed as exc:
        misuse(str(exc))
    made = []
    with silenced(), spinning("comparing") as say:
        for one in contracts:
            made.append(one)
            say(f"{one.route} is compared")
    return made


def _described(contract: RouteContract) -> dict[str, Any]:
    """One contract in the form of `ContractRoute` in workbench/shapes."""
    return {
        "route": contract.route,
        "service": contract.service,
        "skipped": contract.skipped or None,
        "endpoints": [_endpoint(one) for one in contract.endpoints],
    }


def _endpoint(one: EndpointContract) -> dict[str, Any]:
    return {
        "method": one.method,
        "path": one.path,
        "view": one.view,
        "function": one.function,
        "kind": one.kind,
        "findings": [_finding(found) for found in one.sorted_findings()],
        "compared": [{"area": found.area, "detail": found.detail} for found in one.compared],
        "not_compared": [{"area": found.area, "why": found.why} for found in one.unknown],
    }


def _finding(found: ContractFinding) -> dict[str, Any]:
    return {
        "severity": found.severity.value,
        "area": found.area,
        "field": found.field or None,
        "message": found.message,
        "legacy": found.legacy or None,
        "service": found.service or None,
        "examples": [{"value": one.value, "legacy": one.legacy, "service": one.service} for one in found.examples],
    }


def _print(contracts: list[RouteContract], *, verbose: bool) -> None:
    from rich.console import Group

    from gateway.cli.tables import show, table

    endpoints = [(contract, one) for contract in contracts for one in contract.endpoints]
    if not endpoints:
        for contract in contracts:
            typer.echo(f"{contract.route}: nothing to compare: {contract.skipped}")
        return
    made = table("route", "endpoint", "view", "kind", "contract")
    for contract, one in endpoints:
        made.add_row(contract.route, f"{one.method} {one.path}", _short(one.view), one.kind, _verdict(one))
    lines = [line for _, one in endpoints for line in _lines(one, verbose=verbose)]
    show(Group(made, *lines))


def _short(name: str | None) -> str:
    return "–" if name is None else ".".join(name.split(".")[-2:])


def _verdict(one: EndpointContract) -> Text:
    from collections import Counter

    from rich.text import Text

    counts = Counter(found.severity.value for found in one.findings)
    said = ", ".join(f"{counts[name]} {name}" for name in STYLES if counts[name])
    left = f"{len(one.unknown)} not compared" if one.unknown else ""
    if one.view is None:
        return Text("new: nothing to compare with", style="dim")
    style = STYLES[one.sorted_findings()[0].severity.value] if one.findings else "green"
    return Text.assemble((said or "holds", style), f"; {left}" if left else "")


def _lines(one: EndpointContract, *, verbose: bool) -> Iterator[Text]:
    from rich.text import Text

    if not (one.findings or one.unknown or verbose):
        return
    yield Text(f"\n{one.method} {one.path}  ({one.function})", style="bold")
    for found in one.sorted_findings():
        yield Text.assemble(
            "  ", (found.severity.value, STYLES[found.severity.value]), f"  {found.area}: {found.message}"
        )
        for example in found.examples[:MOST_EXAMPLES]:
            yield Text(f"    {example.value}: legacy {example.legacy}; service {example.service}")
    for compared in one.compared if verbose else ():
        yield Text(f"  compared  {compared.area}: {compared.detail}", style="green")
    for unknown in one.unknown:
        yield Text(f"  not compared  {unknown.area}: {unknown.why}", style="dim")
