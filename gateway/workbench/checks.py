"""The findings of `gateway check` about the rollout: problems, notes, and views that are no longer reached."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gateway.clock import utc_now
from gateway.config.files import read
from gateway.config.parse import Config, parse
from gateway.config.problems import Problem, unreported
from gateway.config.routes import RouteConfig
from gateway.rollout.stage import CANARY, LIVE
from gateway.upstreams.release import modules_of
from gateway.workbench import describe
from gateway.workbench.database import installed

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.app import Gateway
    from gateway.rollout.policy import RoutePolicy
    from gateway.workbench.runtime_states import States

__all__ = ["notes", "of_file", "problems", "retired"]

SHOWN = 3  # paths in one note
FRAMEWORKS = frozenset({"fastapi", "starlette"})  # their own endpoints are in a service, too
ENOUGH = 50  # comparisons; the guard's default minimum
# Sample values of each kind for a template's parameters.
_SAMPLES = ("1", "x", "00000000-0000-0000-0000-000000000000")


def problems(gateway: Gateway, states: States) -> list[Problem]:
    """What the file says of routes but isn't possible, or isn't true."""
    found = [problem for route in gateway.config.routes for problem in _of_route(gateway.config, route)]
    accepting = [route for route in gateway.config.routes if route.compare.accepted]
    return [*found, *_unmatched(accepting)] if accepting and states.source == "runtime" else found


def of_file(path: Path, problems: Sequence[Problem]) -> list[Problem]:
    """Further problems of a file that already has `problems`."""
    config, _ = parse(read(path), str(path))
    return unreported((found for route in config.routes for found in _of_route(config, route)), problems)


def _of_route(config: Config, route: RouteConfig) -> Iterator[Problem]:
    told = config.legacy.wsgi is not None or _is_set_up()
    if route.interval is not None and told and not (config.legacy.wsgi is None and installed()):
        expected = 'none, or "gateway.control" in INSTALLED_APPS: it keeps the steps that a route takes by itself'
        yield Problem(f"routes[{route.name}].interval", route.interval, expected)
    for accepted in route.compare.accepted:
        if accepted.compiled().expired(utc_now().date()):
            expected = f"no accepted difference that has expired: {accepted.owner} accepted it until {accepted.expires}"
            yield Problem(f"routes[{route.name}].compare.accepted", accepted.path, expected)


def _is_set_up() -> bool:
    from django.apps import apps

    return apps.ready


def _unmatched(routes: Sequence[RouteConfig]) -> Iterator[Problem]:
    """Accepted differences that never occurred, although enough was compared."""
    from gateway.control import reports

    now = utc_now()
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
    """Notes about the rollout that aren't problems."""
    plans = {name: route.policy for name, route in gateway.snapshot.compiled.items()}
    found = [f"routes are {states.why}"] if plans else []
    if states.source == "runtime":
        found += [
            f"the database has a stage for {name}, which is no route of this file any more" for name in _gone(gateway)
        ]
    guarded = [
        name for name, policy in plans.items() if policy.state.stage == CANARY and gateway.snapshot.routes[name].guard
    ]
    if guarded and not (describe.is_django(gateway) and installed()):
        found.append(f'nothing rolls {", ".join(guarded)} back by itself: "gateway.control" is not in INSTALLED_APPS')
    if describe.is_django(gateway):
        found += _unset_header(gateway)
        found += [*_without_legacy(gateway, plans.values()), *_without_sessions(plans.values())]
        found += _beside_django(gateway)
    return found


def _beside_django(gateway: Gateway) -> Iterator[str]:
    """Mirrors of writes by services whose writes Django may not roll back."""
    from gateway.shield.libraries import database_libraries

    for route in gateway.config.routes:
        service, methods = gateway.config.services[route.service], ", ".join(route.mirrored_writes)
        if not methods or service.app is None or service.rolls_back:
            continue
        modules = modules_of(service.app, gateway.services[route.service].endpoints() or ())
        if libraries := database_libraries(own for own in modules if own.__name__.partition(".")[0] not in FRAMEWORKS):
            yield (
                f"route {route.name!r} mirrors {methods}, and {route.service} imports {', '.join(libraries)}: a mirror "
                f"that uses it is dropped as unshielded, unless the service rolls back what it does where "
                f"gateway.is_mirror(), and [services.{route.service}] rolls_back = true says so"
            )


def _unset_header(gateway: Gateway) -> list[str]:
    """A RemoteUserMiddleware whose header can't be set over HTTP, as a web server's variable was."""
    from gateway.legacy.remote_user import unset_header

    unset = None if gateway.config.legacy.asgi else unset_header()
    if unset is None:
        return []
    path, key = unset
    reads = f'{path} reads META["{key}"], which no proxy can set, so nobody is logged in by it'
    return [f'{reads}; to read a header, subclass it with header = "HTTP_{key}", and let the proxy set it always']


def _gone(gateway: Gateway) -> list[str]:
    from gateway.control import reports

    return [orphan.route for orphan in reports.orphans(gateway.config.routes)]


def _without_legacy(gateway: Gateway, plans: Iterable[RoutePolicy]) -> Iterator[str]:
    """Services for which legacy can't be the fallback, since it lacks the path."""
    everywhere = []
    for policy in plans:
        if policy.fallback is None or policy.state.stage not in (CANARY, LIVE):
            continue
        paths = _claimed(gateway, policy.route)
        unknown = [path for path in paths if not _known(gateway, path)]
        if unknown and unknown == paths:
            everywhere.append(policy.route)
        elif unknown:
            more = len(unknown) - SHOWN
            shown = ", ".join(unknown[:SHOWN]) + (f" and {more} more" if more > 0 else "")
            service = policy.service
            yield f"route {policy.route!r}: the project has no {shown}, and so no answer there when {service} fails"
    if everywhere:
        yield f"the project has no path of {', '.join(everywhere)}, and so no answer there when the service fails"


def _without_sessions(plans: Iterable[RoutePolicy]) -> Iterator[str]:
    """Canaries that identify callers by something that no request has."""
    for policy in plans:
        if policy.state.stage == CANARY and policy.key.kind in ("user", "session") and not _has_sessions():
            instead = "the gateway's cookie" if policy.site.cookie else "the client's address"
            credentials = "the Authorization header, else by " if policy.key.kind == "user" else ""
            yield (
                f"route {policy.route!r}: the project's MIDDLEWARE has no sessions, so callers are told apart by"
                f" {credentials}{instead}"
            )


def _claimed(gateway: Gateway, route: str) -> list[str]:
    """The path templates that a route claims, without WebSockets."""
    claims = [claim for claim in gateway.snapshot.table.rules if claim.route == route]
    return [*dict.fromkeys(claim.endpoint.path for claim in claims if claim.endpoint.methods != {"WEBSOCKET"})]


def _known(gateway: Gateway, template: str) -> bool:
    """Whether the project may have paths that match the template."""
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
    """The views whose URLs retired routes have claimed, those that can be deleted first."""
    if not describe.is_django(gateway):
        return []
    from gateway.workbench.retired import retired_views

    return [view.described() for view in retired_views(gateway.snapshot)]
