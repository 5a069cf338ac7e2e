"""What `gateway check` finds of the rollout: problems, notes, and views that nobody reaches any more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.cli import describe
from gateway.cli.project import installed
from gateway.config import Problem, RouteConfig
from gateway.rollout.stage import CANARY, LIVE

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.cli.effective import States
    from gateway.rollout.plan import Plan

__all__ = ["notes", "problems", "retired"]

SHOWN = 3  # paths in one note
ENOUGH = 50  # comparisons; as the guard's default, from which on it judges
# Something of every kind that a template's parameter may stand for.
_SAMPLES = ("1", "x", "00000000-0000-0000-0000-000000000000")


def problems(gateway: Gateway, states: States) -> list[Problem]:
    """What the file says of routes and can't be kept, or isn't true."""
    found = [problem for route in gateway.config.routes for problem in _of_route(gateway, route)]
    accepting = [route for route in gateway.config.routes if route.compare.accepted]
    return [*found, *_unmatched(accepting)] if accepting and states.source == "runtime" else found


def _of_route(gateway: Gateway, route: RouteConfig) -> Iterator[Problem]:
    if route.interval is not None and not (describe.is_django(gateway) and installed()):
        expected = 'none, or "gateway.control" in INSTALLED_APPS: it keeps the steps that a route takes by itself'
        yield Problem(f"routes[{route.name}].interval", route.interval, expected)
    for accepted in route.compare.accepted:
        if accepted.compiled().expired(datetime.now(UTC).date()):
            expected = f"no accepted difference that has expired: {accepted.owner} accepted it until {accepted.expires}"
            yield Problem(f"routes[{route.name}].compare.accepted", accepted.path, expected)


def _unmatched(routes: Sequence[RouteConfig]) -> Iterator[Problem]:
    """The accepted differences that never occurred, though enough was compared to expect them."""
    from gateway.control import reports

    now = datetime.now(UTC)
    for route, found in zip(routes, reports.status(routes, now), strict=True):
        compared = found.hour.mirrors.compared
        if compared < ENOUGH:
            continue
        matches = {match.key: match.count for match in reports.accepted(route.name)}
        for accepted in route.compare.compiled(now.date()).unmatched(matches):
            expected = (
                f"a difference that occurs: this one never did, not in the {compared:,} comparisons of the last hour; "
                "remove it"
            )
            yield Problem(f"routes[{route.name}].compare.accepted", accepted.path, expected)


def notes(gateway: Gateway, states: States) -> list[str]:
    """What is worth knowing of the rollout, though nothing is wrong with it."""
    plans = {name: choice.plan for name, choice in gateway.snapshot.choices.items()}
    found = [f"routes are {states.why}"] if plans else []
    if states.source == "runtime":
        found += [
            f"the database has a stage for {name}, which is no route of this file any more" for name in _gone(gateway)
        ]
    guarded = [
        name for name, plan in plans.items() if plan.state.stage == CANARY and gateway.snapshot.routes[name].guard
    ]
    if guarded and not (describe.is_django(gateway) and installed()):
        found.append(f'nothing rolls {", ".join(guarded)} back by itself: "gateway.control" is not in INSTALLED_APPS')
    if describe.is_django(gateway):
        found += [*_without_legacy(gateway, plans.values()), *_without_sessions(plans.values())]
    return found


def _gone(gateway: Gateway) -> list[str]:
    from gateway.control import reports

    return [orphan.route for orphan in reports.orphans(gateway.config.routes)]


def _without_legacy(gateway: Gateway, plans: Iterable[Plan]) -> Iterator[str]:
    """Where legacy can't answer for a service that fails, since it doesn't have the path."""
    everywhere = []
    for plan in plans:
        if plan.fallback is None or plan.state.stage not in (CANARY, LIVE):
            continue
        paths = _claimed(gateway, plan.route)
        unknown = [path for path in paths if not _known(gateway, path)]
        if unknown and unknown == paths:
            everywhere.append(plan.route)
        elif unknown:
            more = len(unknown) - SHOWN
            shown = ", ".join(unknown[:SHOWN]) + (f" and {more} more" if more > 0 else "")
            yield f"route {plan.route!r}: the project has no {shown}, and so no answer there when {plan.service} fails"
    if everywhere:
        yield f"the project has no path of {', '.join(everywhere)}, and so no answer there when the service fails"


def _without_sessions(plans: Iterable[Plan]) -> Iterator[str]:
    """Canaries whose callers are told apart by what nobody has."""
    for plan in plans:
        if plan.state.stage == CANARY and plan.key.kind in ("user", "session") and not _has_sessions():
            instead = "the gateway's cookie" if plan.site.cookie else "the client's address"
            credentials = "the Authorization header, else by " if plan.key.kind == "user" else ""
            yield (
                f"route {plan.route!r}: the project's MIDDLEWARE has no sessions, so callers are told apart by"
                f" {credentials}{instead}"
            )


def _claimed(gateway: Gateway, route: str) -> list[str]:
    """The path templates that a route claims, sockets left out."""
    claims = [claim for claim in gateway.snapshot.table.rules if claim.route == route]
    return [*dict.fromkeys(claim.endpoint.path for claim in claims if claim.endpoint.methods != {"WEBSOCKET"})]


def _known(gateway: Gateway, template: str) -> bool:
    """Whether the project may have paths like this."""
    paths = [re.sub(r"{[^}]*}", sample, template) for sample in _SAMPLES]
    return any(gateway.snapshot.known(path) is not False for path in paths)


def _has_sessions() -> bool:
    from django.apps import apps
    from django.conf import settings
    from django.contrib.sessions.middleware import SessionMiddleware
    from django.utils.module_loading import import_string

    entries = [import_string(entry) for entry in settings.MIDDLEWARE]
    return apps.is_installed("django.contrib.auth") and any(
        isinstance(entry, type) and issubclass(entry, SessionMiddleware) for entry in entries
    )


def retired(gateway: Gateway) -> list[dict[str, Any]]:
    """The views that retired routes have claimed URLs of, those that can be deleted first."""
    if not describe.is_django(gateway):
        return []
    from gateway.cli.retired import retired_views

    return [view.described() for view in retired_views(gateway.snapshot)]
