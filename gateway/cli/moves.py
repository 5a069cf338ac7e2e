"""`gateway promote`, `rollback`, `pause`, `resume` and `clear`: move a route, now, in every worker."""

from __future__ import annotations

import getpass
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gateway.cli.common import ConfigOption, JsonOption, misuse, print_json, state_values
from gateway.cli.project import asking_the_database, need_control, opened, route_named
from gateway.cli.terminal import REFUSED
from gateway.rollout.stage import CANARY, LEGACY_STAGE, LIVE, RETIRED, SHADOW, STAGES, IllegalMove, State, promoted

if TYPE_CHECKING:
    from gateway.config import Config, RouteConfig
    from gateway.control.moves import Moved

__all__ = ["EPILOGS", "clear", "pause", "promote", "resume", "rollback"]

_STATUS = """
\b
Status 0: done. Status 1: it can't go there from where it is, or somebody else moved it meanwhile.
Status 2: wrong usage. Status 3: the configuration or the database can't be used.
"""
EPILOGS = {
    "promote": """\
\b
Examples:
  gateway promote catalog                     one stage up; inside of canary, to the next of its steps
  gateway promote catalog --weight 10         into canary at 10 %, or on to 10 % there
  gateway promote catalog --to live --why 'no difference for a week'

legacy → shadow → canary → live → retired. A failing verdict is no obstacle: it is said, and the route moves.
"""
    + _STATUS,
    "rollback": """\
\b
Examples:
  gateway rollback catalog                    Django answers again, at once
  gateway rollback catalog --to shadow        Django answers; the service is still compared
  gateway rollback catalog --to canary --weight 1
  gateway rollback catalog --force            from retired: its legacy view may be gone

It needs neither the services nor a faultless configuration: what is valid of it is enough.
"""
    + _STATUS,
    "pause": """\
\b
Examples:
  gateway pause catalog --why 'sale on Friday'

A route with `interval` takes no step by itself until it is resumed. The guard still rolls it back.
"""
    + _STATUS,
    "resume": "\b\nExamples:\n  gateway resume catalog\n" + _STATUS,
    "clear": """\
\b
Examples:
  gateway clear catalog                       what gateway.toml says counts again
"""
    + _STATUS,
}

RouteArgument = Annotated[str, typer.Argument(metavar="ROUTE", help="The route's name in gateway.toml.")]
WhyOption = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the history.")]
WhoOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who; kept in the history. [default: the operating system's user]")
]


def promote(
    context: typer.Context,
    route: RouteArgument,
    weight: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="The canary's, instead of its next step.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="STAGE", help="A stage further up, instead of the next.")] = None,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move a route one stage up, or to the next step of its canary."""
    _check(to, weight)
    _move(context, config, "promote", route, as_json, who, why=why, weight=weight, to=to)


def rollback(
    context: typer.Context,
    route: RouteArgument,
    to: Annotated[str, typer.Option(metavar="STAGE", help="A stage between, instead of legacy.")] = LEGACY_STAGE,
    weight: Annotated[float | None, typer.Option(metavar="PERCENT", help="With --to canary: its weight.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="From retired too, where there should be no way back.")
    ] = False,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a route back to legacy at once, from any stage."""
    _check(to, weight)
    if to == CANARY and weight is None:
        misuse("--to canary needs a --weight: --to canary --weight 1 leaves one percent")
    if to != CANARY and weight is not None:
        misuse("--weight goes with --to canary")
    _move(context, config, "rollback", route, as_json, who, why=why, to=to, weight=weight, force=force)


def pause(
    context: typer.Context,
    route: RouteArgument,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold the steps that a route takes by itself."""
    _move(context, config, "pause", route, as_json, who, why=why)


def resume(
    context: typer.Context,
    route: RouteArgument,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a paused route go on by itself."""
    _move(context, config, "resume", route, as_json, who, why=why)


def clear(
    context: typer.Context,
    route: RouteArgument,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a route where gateway.toml has it again."""
    _move(context, config, "clear", route, as_json, who, why=why)


def _check(to: str | None, weight: float | None) -> None:
    """End the command with status 2 for a stage or weight that there is nowhere."""
    if to is not None and to not in STAGES:
        misuse(f"there is no stage {to!r}; it is one of {', '.join(STAGES)}")
    if weight is not None and not 0 < weight <= 100:
        misuse(f"--weight is more than 0 and at most 100, not {weight:g}")


def _move(
    context: typer.Context,
    given: Path | None,
    verb: str,
    name: str,
    as_json: bool,
    who: str | None,
    **arguments: Any,
) -> None:
    # A file that somebody is in the middle of editing must not stand between an operator and a rollback.
    config = opened(context, given, despite_problems=verb in ("rollback", "pause"))
    route = route_named(config, name)
    need_control(config)
    from gateway.control import moves

    with asking_the_database():
        warning = _failing(route) if verb == "promote" else None
        try:
            change = getattr(moves, verb)(route, who=who or _operator(), **arguments)
        except IllegalMove as exc:
            _refuse(f"{name}: {exc}")
        except moves.Conflict as exc:
            _refuse(str(exc))
    if warning is not None and change.before.stage in (SHADOW, CANARY):
        typer.echo(f"Warning: {warning}", err=True)
    if as_json:
        print_json(_described(change, route))
    else:
        _print(change, route, config, verb)
        if verb == "pause" and route.interval is None:
            typer.echo(f"{name} has no `interval`, and takes no step by itself anyway.")


def _failing(route: RouteConfig) -> str | None:
    """What `gateway status` holds against promoting the route; None where it doesn't."""
    from gateway.control import reports
    from gateway.rollout.guard import Verdict

    (found,) = reports.status([route], datetime.now(UTC))
    if found.verdict is None or found.verdict.verdict is not Verdict.FAILING:
        return None
    return f"{route.name} was failing: {'; '.join(found.verdict.reasons)}"


def _refuse(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(REFUSED)


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name; Python 3.13 says OSError
        return "unknown"


def _described(change: Moved, route: RouteConfig) -> dict[str, Any]:
    return {
        "route": change.route,
        "from": state_values(change.before),
        "to": state_values(change.after),
        "revision": change.revision,
        "who": change.who,
        "why": change.why,
        "next": str(up) if (up := _above(change.after, route)) else None,
    }


def _above(state: State, route: RouteConfig) -> State | None:
    """Where `gateway promote` would go from there; None from the last stage."""
    try:
        return promoted(state, route.steps)
    except IllegalMove:
        return None


def _print(change: Moved, route: RouteConfig, config: Config, verb: str) -> None:
    declared = ", as the file declares" if verb == "clear" else ""
    typer.echo(f"{change.route}: {change.before} → {change.after}{declared} (revision {change.revision})")
    typer.echo(f"Every worker follows within a second; they look every {config.rollout.poll:g} s.")
    typer.echo(_advice(change.after, route))


def _advice(state: State, route: RouteConfig) -> str:
    """What can be done next."""
    name, up = route.name, _above(state, route)
    if up is None:
        return f"Next: `gateway check` says which views can be deleted; back only by `gateway rollback {name} --force`."
    up = replace(up, paused=False)
    forward = f"`gateway promote {name}` goes to {up}"
    if state.paused:
        forward = f"`gateway resume {name}` lets it go on by itself; {forward}"
    elif state.stage == CANARY and route.interval is not None:
        forward = f"after {route.interval:g} s, while it is healthy, it goes to {up} by itself"
    return f"Next: {forward}{_LOOK.get(state.stage, '').format(name=name)}."


_LOOK = {
    SHADOW: "; see `gateway diffs {name}` first",
    CANARY: "; `gateway rollback {name}` goes back at once",
    LIVE: ", from which there is no way back without --force; `gateway rollback {name}` goes back at once",
    RETIRED: "",
}
