"""`gateway diffs`: what differs between a service and legacy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import ConfigOption, JsonOption, WhoOption, WhyOption, end, misuse, operator, print_json, say
from gateway.cli.project import asking_the_database, need_control, opened, route_named
from gateway.clock import utc_now
from gateway.server.terminal import REFUSED

if TYPE_CHECKING:
    from rich.text import Text

    from gateway.config.routes import RouteConfig
    from gateway.control.reports import DifferenceReport

__all__ = ["EPILOG", "diffs"]

AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHOWN = 8  # characters of a key: enough to be unique in a project
NEXT = "\n"  # before each route but the first
STYLES = {"critical": "bold red", "breaking": "red", "warning": "yellow"}

EPILOG = """\
\b
Examples:
  gateway diffs                               of all routes
  gateway diffs catalog
  gateway diffs catalog --all                 also differences that don't count, and every example
  gateway diffs catalog --since 2h            seen in the last two hours; or 30m, 1d, 2026-11-25T12:00
  gateway diffs resolve 3f2a91 --why 'the old prices were wrong'
  gateway diffs accept 3f2a91 --until 2026-12-31 --why 'clients round prices themselves'
  gateway diffs catalog --json | jq '.routes[].groups[] | select(.state == "open")'

Differences are grouped by URL template, kind and place. Noise is a difference that legacy's own responses have \
about as often. To accept one for a while, use accept, or [[routes.compare.accepted]] in the file. \
A resolved one is open again when it is seen again; one that was not seen under a new release of the service is \
mended. All are kept for 30 days.
"""


def diffs(
    context: typer.Context,
    route: Annotated[
        str | None,
        typer.Argument(
            metavar="[ROUTE]",
            help='The route\'s name in gateway.toml, else all; or "resolve" or "accept", with a GROUP.',
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Argument(metavar="[GROUP]", help="The key of the difference to resolve or accept, or its beginning."),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Also show what does not count (noise, accepted, resolved, mended), and every example."
        ),
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only those seen since then: 2h, 30m, 1d, or a time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="With accept: the last day on which it doesn't count.")
    ] = None,
    why: WhyOption = "",
    who: WhoOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the differences that mirrors found, or resolve or accept one."""
    loaded = opened(context, config)
    if group is not None:
        if route not in ("resolve", "accept"):
            misuse(f"`gateway diffs` takes one ROUTE; to settle a difference: gateway diffs resolve {group} --why '…'")
        need_control(loaded)
        if route == "accept":
            _accept(group, who or operator(), why, _day(until), as_json=as_json)
        else:
            _resolve(group, who or operator(), why, as_json=as_json)
        return
    from_when = _moment(since) if since is not None else None
    found = [route_named(loaded, route)] if route is not None else list(loaded.routes)
    need_control(loaded)
    from gateway.control import reports
    from gateway.control.current_state import current_state

    with asking_the_database():
        listed = [(one, _since(reports.differences(one), from_when), current_state(one).since) for one in found]
    if as_json:
        made = [{"route": one.name, "groups": [_described(group) for group in groups]} for one, groups, _ in listed]
        print_json("diffs", routes=made)
        return
    for number, (one, groups, moved) in enumerate(listed):
        if route is None:
            say(f"{NEXT if number else ''}{one.name}")
        _print(one, groups, moved, everything=everything)
    if not listed:
        say("No routes are configured.")


def _since(groups: Sequence[DifferenceReport], when: datetime | None) -> list[DifferenceReport]:
    """The groups that were seen since `when`."""
    return [group for group in groups if when is None or group.last_seen >= when]


def _described(group: DifferenceReport) -> dict[str, Any]:
    """A group in the form of `DifferenceGroup` in workbench/shapes."""
    found = asdict(group) | {"noise_why": group.verdict.explanation}
    del found["route"], found["verdict"]
    for who in "resolved_by", "resolved_why":
        found[who] = found[who] or None
    found["examples"] = [
        {**example, "at": datetime.fromtimestamp(float(str(example["at"])), UTC)} for example in group.examples
    ]
    return found


def _resolve(key: str, who: str, why: str, *, as_json: bool) -> None:
    from gateway.control.settle import NoSuchGroup, resolve

    if not why.strip():
        misuse("resolving a difference needs a reason: --why '…'")
    with asking_the_database():
        try:
            settled = resolve(key, who=who, why=why, at=utc_now())
        except NoSuchGroup as exc:
            end(REFUSED, "no_such_difference", str(exc))
    if as_json:
        shown = {"route": settled.route, "fingerprint": settled.fingerprint, "summary": settled.summary}
        resolved = {"resolved": settled.resolved, "resolved_by": who, "resolved_why": why}
        print_json("diffs resolve", difference=shown | resolved)
    else:
        say(f"{settled.route}: resolved: {settled.template}  {settled.summary}")
        say("It is open again when it is seen again.")


def _day(text: str | None) -> date:
    """The day that `--until` names."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        misuse(f"accepting a difference needs its last day: --until 2026-12-31, not {text!r}")


def _accept(key: str, who: str, why: str, until: date, *, as_json: bool) -> None:
    from gateway.control.settle import NoSuchGroup, accept

    if not why.strip():
        misuse("accepting a difference needs a reason: --why '…'")
    with asking_the_database():
        try:
            settled = accept(key, who=who, why=why, until=until, at=utc_now())
        except NoSuchGroup as exc:
            end(REFUSED, "no_such_difference", str(exc))
        except ValueError as exc:
            misuse(f"--until: {exc}")
    if as_json:
        shown = {"route": settled.route, "fingerprint": settled.fingerprint, "summary": settled.summary}
        accepted = {"until": until.isoformat(), "accepted_by": who, "accepted_why": why}
        print_json("diffs accept", difference=shown | accepted)
    else:
        say(f"{settled.route}: accepted until {until}: {settled.template}  {settled.summary}")
        say("It doesn't count until then, and nothing that was compared before counts for a promotion.")


def _moment(text: str) -> datetime:
    """The time that `--since` names: a duration ago, or a date with or without a time, local without an offset."""
    if (ago := AGO.fullmatch(text)) is not None:
        return utc_now() - timedelta(seconds=float(ago[1]) * UNITS[ago[2]])
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        misuse(f"--since is 30m, 2h, 1d or a time such as 2026-11-25T12:00, not {text!r}")


def _print(
    config: RouteConfig, groups: Sequence[DifferenceReport], since: datetime | None, *, everything: bool
) -> None:
    from gateway.cli.tables import console, show

    shown = [group for group in groups if everything or group.state == "open"]
    screen = console()
    for group in shown:
        for line in _lines(group, since, everything=everything):
            show(line, screen)
    hidden = len(groups) - len(shown)
    route = config.name
    if not groups and config.mirrors_nothing:
        say(f"No differences of {route} are stored: at shadow, nothing of it is compared.")
    elif not groups:
        say(f"No differences of {route} are stored; `gateway status {route}` says how much was compared.")
    elif hidden:
        say(f"{_hidden(groups)}; --all shows {'it' if hidden == 1 else 'them'}.")


def _hidden(groups: Sequence[DifferenceReport]) -> str:
    """The number of differences that don't count, and why, in words."""
    counts = Counter(group.state for group in groups if group.state != "open")
    return f"Not open: {', '.join(f'{count} {state}' for state, count in counts.items())}"


def _lines(group: DifferenceReport, since: datetime | None, *, everything: bool) -> Iterator[Text]:
    from rich.text import Text

    from gateway.cli.tables import local

    counts = group.state == "open"
    style = STYLES.get(group.severity, "") if counts else "dim"
    requests = "1 request" if group.count == 1 else f"{group.count:,} requests"
    mark = group.severity if counts else f"{group.state} ({group.severity})"
    yield Text.assemble((mark, style), f"  {group.template}  {group.summary}, {requests}")
    gone = ", not since the route was moved last" if since is not None and group.last_seen < since else ""
    seen = f"from {local(group.first_seen)} to {local(group.last_seen)}{gone}"
    yield Text(f"    {group.fingerprint[:SHOWN]}  {seen}{_settled(group)}", style="dim")
    if everything:
        yield Text(f"    {group.verdict.explanation}", style="dim")
    for example in list(group.examples)[: None if everything else 1]:
        yield Text(f"    {_example(example)}")


def _settled(group: DifferenceReport) -> str:
    if group.state == "resolved":
        return f"; resolved by {group.resolved_by}: {group.resolved_why}"
    return f"; not seen since release {group.release or 'unknown'}" if group.state == "mended" else ""


def _example(example: Any) -> str:
    place = f" {example['pointer']}" if example["pointer"] else ""
    return f"{example['target']}{place}: {example['expected']} → {example['actual']}"
