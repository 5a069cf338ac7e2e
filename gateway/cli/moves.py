"""`gateway promote`, `rollback`, `pause`, `resume` and `clear`: change a route at once, in every worker."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gateway.cli.advice import above, climbs, next_moves
from gateway.cli.common import (
    ConfigOption,
    JsonOption,
    WhoOption,
    WhyOption,
    end,
    misuse,
    operator,
    print_json,
    say,
    silenced,
)
from gateway.cli.project import asking_the_database, need_control, opened, route_named
from gateway.clock import utc_now
from gateway.rollout.stage import CANARY, LEGACY_STAGE, SHADOW, STAGES, IllegalMove
from gateway.server.terminal import REFUSED
from gateway.workbench.database import trouble

if TYPE_CHECKING:
    from gateway.config.parse import Config
    from gateway.config.routes import RouteConfig
    from gateway.control.transitions import RefusedByHooks, Transition, Unproved

__all__ = ["EPILOGS", "clear", "pause", "promote", "resume", "rollback"]

_STATUS = """
\b
Status 0: done. Status 1: the route can't go there from its stage, evidence is missing, a hook refuses, or somebody \
else moved it first.
Status 2: wrong usage. Status 3: the configuration or the database can't be used.
"""
EPILOGS = {
    "promote": """\
\b
Examples:
  gateway promote catalog                     to the next stage; in canary, to its next step
  gateway promote catalog --weight 10         to canary at 10 %, or to 10 % in canary
  gateway promote catalog --to live --why 'no difference for a week'
  gateway promote catalog --anyway --why 'the old endpoint is wrong'

legacy → shadow → canary → live → retired. The step to shadow needs no evidence. Every later one needs a healthy \
verdict on the traffic since the last change, under the present release of the service, and no open breaking difference.
"""
    + _STATUS,
    "rollback": """\
\b
Examples:
  gateway rollback catalog                    Django answers again, at once
  gateway rollback catalog --to shadow        Django answers; the service is still compared
  gateway rollback catalog --to canary --weight 1
  gateway rollback catalog --force            from retired: its legacy view may be gone

It needs neither the services nor a configuration without mistakes: the valid part of it is enough.
"""
    + _STATUS,
    "pause": """\
\b
Examples:
  gateway pause catalog --why 'sale on Friday'

A route with `interval` is not promoted by itself until it is resumed. The guard may still roll it back.
"""
    + _STATUS,
    "resume": "\b\nExamples:\n  gateway resume catalog\n" + _STATUS,
    "clear": """\
\b
Examples:
  gateway clear catalog                       the stage in gateway.toml is in force again
  gateway clear catalog --anyway --why 'the wrong route was rolled back'

If that is a later stage than the route's, it needs the same evidence as `promote`.
"""
    + _STATUS,
}

AnywayOption = Annotated[
    bool,
    typer.Option(
        "--anyway", help="Do it although evidence is missing or a hook refuses; needs --why, for the history."
    ),
]
RouteArgument = Annotated[str, typer.Argument(metavar="ROUTE", help="The route's name in gateway.toml.")]


def promote(
    context: typer.Context,
    route: RouteArgument,
    weight: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="The canary's weight, instead of its next step.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="STAGE", help="A later stage, instead of the next.")] = None,
    anyway: AnywayOption = False,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move a route to its next stage or canary step, on evidence."""
    _check(to, weight)
    _reasoned(anyway, why)
    _move(context, config, "promote", route, as_json, who, why=why, weight=weight, to=to, anyway=anyway)


def rollback(
    context: typer.Context,
    route: RouteArgument,
    to: Annotated[str, typer.Option(metavar="STAGE", help="An earlier stage, instead of legacy.")] = LEGACY_STAGE,
    weight: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="The canary's weight, with --to canary.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even from retired, though the legacy view may be deleted.")
    ] = False,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a route back to legacy at once."""
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
    """Stop a route's automatic promotion."""
    _move(context, config, "pause", route, as_json, who, why=why)


def resume(
    context: typer.Context,
    route: RouteArgument,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Continue the automatic promotion of a paused route."""
    _move(context, config, "resume", route, as_json, who, why=why)


def clear(
    context: typer.Context,
    route: RouteArgument,
    anyway: AnywayOption = False,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a route back to the stage in gateway.toml."""
    _reasoned(anyway, why)
    _move(context, config, "clear", route, as_json, who, why=why, anyway=anyway)


def _reasoned(anyway: bool, why: str) -> None:
    if anyway and not why.strip():
        misuse("--anyway needs a reason, which is kept in the history: --why '…'")


def _check(to: str | None, weight: float | None) -> None:
    """Exit with status 2 for an unknown stage or impossible weight."""
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
    # A file that is just being edited must not prevent a rollback.
    config = opened(context, given, despite_problems=verb in ("rollback", "pause"))
    route = route_named(config, name)
    need_control(config)
    from gateway.control import transitions as moves

    with asking_the_database():
        try:
            change = getattr(moves, verb)(route, who=who or operator(), **arguments)
        except IllegalMove as exc:
            end(REFUSED, "illegal_move", f"{name}: {exc}", route=name)
        except moves.Conflict as exc:
            end(REFUSED, "conflict", str(exc), route=name)
        except moves.Unproved as exc:
            _unproved(verb, name, exc)
        except moves.RefusedByHooks as exc:
            _refused(verb, name, exc)
    if as_json:
        _print_json(change, route)
    else:
        _print(change, route, config, verb)
        if verb == "promote" and change.before.stage in (LEGACY_STAGE, SHADOW) and change.after.stage != SHADOW:
            _print_taken(config, route)
        if verb == "pause" and not climbs(route):
            why = "no `interval`" if route.interval is None else "`guard = false`"
            say(f"{name} has {why}, and takes no step by itself anyway.")
    _tell_hooks(config)


def _tell_hooks(config: Config) -> None:
    """Where no process serves, which would do it: tell hooks of the change, for a short time."""
    from django.db import DatabaseError

    from gateway.control.database import DatabaseBusy

    try:
        if config.hooks and not _workers():
            from gateway.control.hooks.delivery import deliver_now

            with silenced():
                deliver_now(config.hooks)
    except (DatabaseError, DatabaseBusy) as exc:  # the change is made
        say(f"Hooks are told later: {trouble(exc)}.", err=True)


def _unproved(verb: str, name: str, refusal: Unproved) -> NoReturn:
    """Print the missing evidence, and how to go on without."""
    from gateway.workbench.shapes import stage

    lines = [f"{name} can't go to {refusal.to} yet:", *(f"  - {reason}" for reason in refusal.missing)]
    more = {"route": name, "to": stage(refusal.to), "missing": refusal.missing}
    hint = f"Without this evidence: `gateway {verb} {name} --anyway --why '…'`."
    end(REFUSED, "unproved", "\n".join(lines), hint=hint, **more)


def _refused(verb: str, name: str, refusal: RefusedByHooks) -> NoReturn:
    """Print which hooks refuse, and how to go on."""
    from gateway.workbench.shapes import stage

    lines = [f"{name} can't go to {refusal.to}:", *(f"  - {one}" for one in refusal.refusals)]
    more = {"route": name, "to": stage(refusal.to), "refusals": [asdict(one) for one in refusal.refusals]}
    hint = f"To do it all the same: `gateway {verb} {name} --anyway --why '…'`."
    end(REFUSED, "refused", "\n".join(lines), hint=hint, **more)


def _print_json(moved: Transition, route: RouteConfig) -> None:
    from gateway.workbench.shapes import change

    up = above(moved.after, route)
    print_json(moved.verb, change=change(moved), workers=_workers(), next=None if up is None else str(up))


def _print(change: Transition, route: RouteConfig, config: Config, verb: str) -> None:
    declared = ", as the file declares" if verb == "clear" else ""
    say(f"{change.route}: {change.before} → {change.after}{declared} (revision {change.revision})")
    say(_followers(config.rollout.poll))
    say(next_moves(change.after, route))


def _print_taken(config: Config, route: RouteConfig) -> None:
    """Print the project's URLs that the service now answers, and whether all of it was compared. This imports the
    services."""
    from gateway.app import Gateway
    from gateway.rollout.decision import SAFE
    from gateway.workbench.taken import taken_urls, url_line

    try:
        taken = taken_urls(Gateway(config).snapshot).get(route.name, [])
    except Exception as exc:  # noqa: BLE001 - a service may raise whatever it likes; the route has been moved all the same
        say(f"Which URLs it takes over can't be told: {str(exc).partition(chr(10))[0]}")
        return
    for url in taken:
        say(f"It takes over {url_line(url)}.")
        if unseen := [method for method in url["methods"] if method not in {*route.mirror.methods, *SAFE, "OPTIONS"}]:
            say(f"  {', '.join(unseen)} of it was not compared: `methods` in [routes.mirror] names what may be.")


def _followers(poll: float) -> str:
    """Which processes follow the change, and how soon."""
    count = _workers()
    if not count:
        return "No worker serves now; the next to start goes by it."
    soon = "a second" if poll < 1 else f"{poll:g} s"
    return f"{count} worker{' follows' if count == 1 else 's follow'} within {soon}."


def _workers() -> int:
    """The number of processes that follow changes."""
    from gateway.control import reports

    return len(reports.workers(utc_now()))
