"""`gateway hooks`: what hooks were told, and a test of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, misuse, print_json, say
from gateway.cli.project import asking_the_database, need_control, opened
from gateway.clock import utc_now
from gateway.config.hooks import EVENTS
from gateway.server.terminal import REFUSED

if TYPE_CHECKING:
    from gateway.config.hooks import Hook
    from gateway.control.reports import HookReport

__all__ = ["EPILOG", "hooks"]

EPILOG = """\
\b
Examples:
  gateway hooks                               what waits, what was delivered, what could not be
  gateway hooks test slack                    send it a test event now, and show what it answers
  gateway hooks --json | jq '.hooks[] | select(.failed > 0)'

A hook is a table [hooks.NAME] in gateway.toml: a URL or a function that is told of promotions, rollbacks, breaking \
differences and open circuit breakers, or asked before a promotion. No URL and no secret is shown.

\b
Status 0: listed; the test event was taken. Status 1: it was not. Status 2: wrong usage. Status 3: the configuration or
the database can't be used.
"""


def hooks(
    context: typer.Context,
    action: Annotated[
        str | None, typer.Argument(metavar="[test]", help='"test", with a NAME; else all are listed.')
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The hook to test.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the hooks and what they were told, or test one."""
    loaded = opened(context, config)
    if action is not None:
        if action != "test" or name is None:
            misuse("to test a hook: gateway hooks test NAME; without arguments, `gateway hooks` lists all")
        _test(_named(loaded.hooks, name), as_json=as_json)
        return
    need_control(loaded)
    from gateway.control import reports

    with asking_the_database():
        found = reports.hooks(loaded.hooks)
    if as_json:
        print_json("hooks", hooks=[_described(*pair) for pair in zip(loaded.hooks, found, strict=True)])
    elif not loaded.hooks:
        say(f"No hooks are configured: {loaded.source} has no table [hooks.NAME].")
    else:
        _print(loaded.hooks, found)


def _named(found: Sequence[Hook], name: str) -> Hook:
    hooks = {hook.name: hook for hook in found}
    if name not in hooks:
        misuse(f"there is no hook {name!r}; there are {', '.join(hooks) or 'none'}")
    return hooks[name]


def _described(hook: Hook, report: HookReport) -> dict[str, Any]:
    """A hook in the form of `HookStatus` in workbench/shapes."""
    return asdict(report) | {
        "kind": "function" if hook.url is None else "webhook",
        "to": hook.place,
        "format": None if hook.url is None else hook.format,
        "signed": bool(hook.secrets),
        "events": _events(hook),
        "routes": list(hook.routes),
        "timeout_seconds": hook.timeout,
    }


def _events(hook: Hook) -> list[str]:
    return [event for event in EVENTS if event in hook.events]


def _print(found: Sequence[Hook], reports: Sequence[HookReport]) -> None:
    from rich.text import Text

    from gateway.cli.tables import show, table

    shown = table("hook", "to", ">waiting", ">delivered", ">failed", "last", "events")
    for hook, report in zip(found, reports, strict=True):
        counts = (Text(f"{count:,}") for count in (report.waiting, report.delivered))
        failed = Text(f"{report.failed:,}", style="red" if report.failed else "")
        cells = (Text(hook.name, style="bold"), Text(hook.place), *counts, failed, _last(report))
        shown.add_row(*cells, Text(", ".join(_events(hook))))
    show(shown)


def _last(report: HookReport) -> Any:
    from rich.text import Text

    from gateway.cli.tables import local

    if report.last is None:
        return Text("–")
    when = f"{report.last.type} at {local(report.last.at)}"
    if report.last.problem is None:
        return Text(when)
    attempts = "1 attempt" if report.last.attempts == 1 else f"{report.last.attempts} attempts"
    again = f", again at {local(report.due)}" if report.due is not None else ""
    return Text(f"{when}: {report.last.problem} ({attempts}{again})", style="red")


def _test(hook: Hook, *, as_json: bool) -> None:
    from gateway.control.hooks.events import Event
    from gateway.control.hooks.sending import HookCall

    event = Event("test", {"hook": hook.name}, utc_now())
    outcome = HookCall(hook, event.payload()).wait()
    if as_json:
        answer = {"status": outcome.status, "problem": outcome.problem or None, "took_seconds": outcome.seconds}
        print_json("hooks test", hook=hook.name, event=event.id, delivered=outcome.ok, **answer)
    elif outcome.ok:
        answered = "returned" if outcome.status is None else f"answered {outcome.status}"
        say(f"{hook.name}: {hook.place} {answered} after {outcome.seconds:.2f} s.")
    else:
        say(f"{hook.name}: {hook.place} {outcome.problem} (after {outcome.seconds:.2f} s).", err=True)
    if not outcome.ok:
        raise typer.Exit(REFUSED)
