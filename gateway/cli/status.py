"""`gateway status`: the stage of every route, and whether it is healthy."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, document, print_json
from gateway.cli.project import asking_the_database, opened, route_named
from gateway.clock import utc_now
from gateway.workbench.database import installed, trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from gateway.config.parse import Config
    from gateway.config.routes import RouteConfig
    from gateway.control.current_state import CurrentState
    from gateway.control.reports import RouteStatus, SideStats, TrafficStats

__all__ = ["EPILOG", "status"]

EPILOG = """\
\b
Examples:
  gateway status
  gateway status catalog                      both sides, p50, p95, mirrors, who changed it and why
  gateway status --watch 2
  gateway status --json | jq '.routes[] | select(.verdict.verdict == "failing")'

Traffic is that of all workers, in the last hour or since the route's last change. The verdict is the guard's, for \
its own window.
"""


def status(
    context: typer.Context,
    route: Annotated[str | None, typer.Argument(metavar="ROUTE", help="One route. [default: all]")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show both sides of every route, as for a single one.")
    ] = False,
    watch: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.2, help="Refresh it every SECONDS seconds.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every route's stage, traffic and verdict."""
    loaded = opened(context, config)
    routes = [route_named(loaded, route)] if route is not None else list(loaded.routes)
    in_full = verbose or route is not None
    if not installed():
        _print_declared(loaded, routes, as_json=as_json)
    elif watch is None:
        with asking_the_database():
            asked, shown = _asked(loaded, routes, in_full=in_full)
        _print_document(asked) if as_json else _print(shown)
    else:
        _watch(loaded, routes, watch, as_json=as_json, in_full=in_full)


def _asked(config: Config, routes: Sequence[RouteConfig], *, in_full: bool) -> tuple[dict[str, Any], RenderableType]:
    """The status as plain values, and in its printed form."""
    from gateway.cli.tables import full_table, overview
    from gateway.control import reports

    now = utc_now()
    found = reports.status(routes, now)
    orphans = reports.orphans(config.routes)
    workers = reports.workers(now)
    moves = reports.changes(limit=1)
    asked = document(
        "status",
        control=True,
        revision=moves[0].revision if moves else 0,
        routes=[_described(route) for route in found],
        orphans=[_standing(orphan.route, orphan.current_state) for orphan in orphans],
        workers=[asdict(worker) for worker in workers],
    )
    if in_full:
        return asked, full_table(found, orphans, workers, now)
    return asked, overview(found, routes, orphans, workers, now)


def _described(found: RouteStatus) -> dict[str, Any]:
    """A route's status in the form of `RouteStatus` in workbench/shapes."""
    from gateway.workbench.shapes import stage

    verdict = found.verdict
    return _standing(found.route, found.current_state) | {
        "service": found.service,
        "declared": stage(found.declared),
        "changed": found.changed,
        "verdict": verdict and {"verdict": verdict.verdict.value, "reasons": verdict.reasons},
        "window": _traffic(found.window),
        "hour": _traffic(found.hour),
        "differences": asdict(found.differences),
        "lacking": found.lacking,
        "next": found.next,
    }


def _standing(route: str, current_state: CurrentState) -> dict[str, Any]:
    from gateway.workbench.shapes import stage

    found = {key: getattr(current_state, key) for key in ("revision", "since", "who", "why")}
    return found | {"route": route, "effective": stage(current_state.state)}


def _traffic(seen: TrafficStats) -> dict[str, Any]:
    sides = ("service", "legacy", "service_mirrored", "legacy_mirrored")
    return asdict(seen) | {
        **{side: _side(getattr(seen, side)) for side in sides},
        "mirrors": _renamed(asdict(seen.mirrors), parity="parity_percent"),
    }


def _side(side: SideStats) -> dict[str, Any]:
    found = _renamed(asdict(side), error_rate="error_percent", p50="p50_seconds", p95="p95_seconds")
    return found | {"error_percent": 100 * side.error_rate}


def _renamed(values: dict[str, Any], **names: str) -> dict[str, Any]:
    """The same values, some renamed to include their unit."""
    return {names.get(key, key): value for key, value in values.items()}


def _watch(config: Config, routes: Sequence[RouteConfig], seconds: float, *, as_json: bool, in_full: bool) -> None:
    """Print it repeatedly until Ctrl+C, even if the database can't be queried meanwhile."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            asked, shown = _asked_or_why_not(config, routes, in_full=in_full)
            if as_json:
                typer.echo(json.dumps(asked, ensure_ascii=False))
            else:
                _print(shown, clear=True)
            time.sleep(seconds)


def _asked_or_why_not(
    config: Config, routes: Sequence[RouteConfig], *, in_full: bool
) -> tuple[dict[str, Any], RenderableType]:
    from django.db import DatabaseError

    try:
        return _asked(config, routes, in_full=in_full)
    except DatabaseError as exc:
        why = f"{trouble(exc)}."
        return document("status", error={"code": "database", "message": why}), why


def _print_document(asked: dict[str, Any]) -> None:
    typer.echo(json.dumps(asked, indent=2, ensure_ascii=False))


def _print(shown: RenderableType, *, clear: bool = False) -> None:
    from gateway.cli.tables import console, show

    screen = console()
    if clear:
        screen.clear()
    show(shown, screen)


def _print_declared(config: Config, routes: Sequence[RouteConfig], *, as_json: bool) -> None:
    from gateway.rollout.policy import declared_state

    states = {route.name: declared_state(route) for route in routes}
    if as_json:
        from gateway.workbench.shapes import stage

        found = [
            {"route": one.name, "service": one.service, "changed": False}
            | dict.fromkeys(("declared", "effective"), stage(states[one.name]))
            for one in routes
        ]
        print_json("status", control=False, revision=None, routes=found, orphans=[], workers=[])
        return
    for name, state in states.items():
        typer.echo(f"{name}: {state}")
    typer.echo(
        f'As {config.source} says. With "gateway.control" in INSTALLED_APPS, `gateway status` shows traffic and'
        " differences too, and routes can be moved without a restart."
    )
