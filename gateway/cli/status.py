"""`gateway status`: where every route is, and how it does."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, print_json, state_values
from gateway.cli.project import asking_the_database, installed, opened, route_named, trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from gateway.config import Config, RouteConfig
    from gateway.control.reports import RouteStatus

__all__ = ["EPILOG", "status"]

EPILOG = """\
\b
Examples:
  gateway status
  gateway status catalog
  gateway status --watch 2
  gateway status --json | jq '.routes[] | select(.verdict.verdict == "failing")'

Traffic is that of the last hour, of all workers; the verdict is the guard's, on its own window.
"""


def status(
    context: typer.Context,
    route: Annotated[str | None, typer.Argument(metavar="ROUTE", help="One route. [default: all]")] = None,
    watch: Annotated[float | None, typer.Option(metavar="SECONDS", min=0.2, help="Show it again and again.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where every route is, and how both sides do."""
    loaded = opened(context, config)
    routes = [route_named(loaded, route)] if route is not None else list(loaded.routes)
    if not installed():
        _print_declared(loaded, routes, as_json=as_json)
    elif watch is None:
        with asking_the_database():
            document, board = _asked(loaded, routes)
        print_json(document) if as_json else _print(board)
    else:
        _watch(loaded, routes, watch, as_json=as_json)


def _asked(config: Config, routes: Sequence[RouteConfig]) -> tuple[dict[str, Any], RenderableType]:
    """The status as plain values, and as it is shown."""
    from gateway.cli.board import board
    from gateway.control import reports

    now = datetime.now(UTC)
    found = reports.status(routes, now)
    orphans = reports.orphans(config.routes)
    workers = reports.workers(now)
    document = {
        "control": True,
        "routes": [_described(route) for route in found],
        "orphans": [asdict(orphan) for orphan in orphans],
        "workers": [asdict(worker) for worker in workers],
    }
    return document, board(found, orphans, workers, now)


def _described(found: RouteStatus) -> dict[str, Any]:
    standing, verdict = found.standing, found.verdict
    return {
        "route": found.route,
        "service": found.service,
        "declared": state_values(found.declared),
        "effective": state_values(found.effective),
        "changed": found.changed,
        "revision": standing.revision,
        "since": standing.since,
        "who": standing.who,
        "why": standing.why,
        "verdict": verdict and {"verdict": verdict.verdict.value, "reasons": verdict.reasons},
        "window": asdict(found.window),
        "hour": asdict(found.hour),
        "differences": asdict(found.differences),
        "next": found.next,
    }


def _watch(config: Config, routes: Sequence[RouteConfig], seconds: float, *, as_json: bool) -> None:
    """Show it until Ctrl+C, whether or not the database can be asked meanwhile."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            document, board = _asked_or_why_not(config, routes)
            if as_json:
                typer.echo(json.dumps(document, default=str, ensure_ascii=False))
            else:
                _print(board, clear=True)
            time.sleep(seconds)


def _asked_or_why_not(config: Config, routes: Sequence[RouteConfig]) -> tuple[dict[str, Any], RenderableType]:
    from django.db import DatabaseError

    try:
        return _asked(config, routes)
    except DatabaseError as exc:
        return {"control": True, "error": trouble(exc)}, f"{trouble(exc)}."


def _print(board: RenderableType, *, clear: bool = False) -> None:
    from gateway.cli.board import console, show

    screen = console()
    if clear:
        screen.clear()
    show(board, screen)


def _print_declared(config: Config, routes: Sequence[RouteConfig], *, as_json: bool) -> None:
    from gateway.rollout.plan import declared_state

    states = {route.name: declared_state(route) for route in routes}
    if as_json:
        found = [{"route": name, "declared": state_values(state)} for name, state in states.items()]
        print_json({"control": False, "routes": found})
        return
    for name, state in states.items():
        typer.echo(f"{name}: {state}")
    typer.echo(
        f'As {config.source} says. With "gateway.control" in INSTALLED_APPS, `gateway status` shows traffic and'
        " differences too, and routes can be moved without a restart."
    )
