"""The parts of a built gateway, as plain values: for `check`, `routes` and the banner of `serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.composition.django import settings_module
from gateway.rollout.policy import declared_state
from gateway.rollout.stage import CANARY, LEGACY_STAGE, State
from gateway.routing.table import ANY

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.upstreams.base import Service
    from gateway.upstreams.service import ServiceUpstream

__all__ = [
    "is_django",
    "legacy",
    "middleware",
    "middleware_lines",
    "notes",
    "route_document",
    "route_phrases",
    "routes",
    "services",
    "stage_of",
    "threads",
]


def is_django(gateway: Gateway) -> bool:
    """Whether legacy is a Django project (not another WSGI application)."""
    return gateway.config.legacy.wsgi is None


def legacy(gateway: Gateway) -> dict[str, Any]:
    """The Django project, or the WSGI application instead of it."""
    config = gateway.config.legacy
    return {
        "settings": settings_module() if is_django(gateway) else None,
        "asgi": config.asgi,
        "wsgi": config.wsgi,
        "threads": config.threads,
        "reserve": config.reserve,
        "queue": config.queue,
        "queue_timeout_seconds": config.queue_timeout,
    }


def threads(gateway: Gateway) -> int:
    """How many threads of this process may have a database connection."""
    from gateway.legacy.upstream import DjangoUpstream

    upstream = gateway.legacy
    serving = upstream.pools.size if isinstance(upstream, DjangoUpstream) else gateway.config.legacy.threads
    return serving + (gateway.control.connections if gateway.control is not None else 0)


def middleware(gateway: Gateway) -> dict[str, list[dict[str, Any]]]:
    """For each service in this process, every entry of the project's MIDDLEWARE, applied or dropped, and why."""
    if not is_django(gateway):
        return {}
    local = {name: _local(service) for name, service in gateway.services.items()}
    return {name: _entries(service) for name, service in local.items() if service is not None}


def _local(service: Service) -> ServiceUpstream | None:
    """The service, if it is in this process."""
    from gateway.upstreams.service import ServiceUpstream  # not needed in a process without services

    return service if isinstance(service, ServiceUpstream) else None


def _entries(service: ServiceUpstream) -> list[dict[str, Any]]:
    from django.conf import settings

    from gateway.bridge.bridge import Bridge

    if isinstance(service.surroundings, Bridge):
        entries = service.surroundings.chain.entries
        return [{"entry": entry.path, "applied": entry.applied, "needs": None, "why": entry.why} for entry in entries]
    return [
        {"entry": path, "applied": False, "needs": None, "why": 'middleware = "none"'} for path in settings.MIDDLEWARE
    ]


def tried_middleware(gateway: Gateway) -> dict[str, list[dict[str, Any]]]:
    """As `middleware`, with what an entry needs in gateway.toml, and why. Each is tried, without lasting effects."""
    found = middleware(gateway)
    if not found:
        return found
    from gateway.bridge.thread_state import thread_state

    for name, entries in found.items():
        if not _shares_threads(gateway, name):
            continue
        state = thread_state([entry["entry"] for entry in entries if entry["applied"]])
        for entry in entries:
            if what := state.left.get(entry["entry"]):
                entry["needs"] = f"one_thread = true in [services.{name}]"
                entry["why"] = (
                    f"it leaves {what} for the view, on another thread than the service: write {entry['needs']}"
                )
            elif entry["applied"] and entry["entry"] in state.untried:
                entry["why"] = "not tried: what comes before it answers by itself"
    return found


def _shares_threads(gateway: Gateway, name: str) -> bool:
    from gateway.bridge.bridge import Bridge

    service = _local(gateway.services[name])
    surroundings = None if service is None else service.surroundings
    return isinstance(surroundings, Bridge) and surroundings.shares_threads


def middleware_lines(gateway: Gateway) -> list[str]:
    """One line for each service: the number of applied entries, and each dropped one with the reason."""
    lines = []
    for name, entries in middleware(gateway).items():
        dropped = [f"{entry['entry']} ({entry['why']})" for entry in entries if not entry["applied"]]
        if len(dropped) == len(entries):
            lines.append(
                f"{name}: none of {len(entries)} applied ({entries[0]['why'] if entries else 'there are none'})"
            )
        else:
            without = f"; dropped: {', '.join(dropped)}" if dropped else ""
            lines.append(f"{name}: {len(entries) - len(dropped)} of {len(entries)} applied{without}")
    return lines


def services(gateway: Gateway) -> list[dict[str, Any]]:
    """Every service, with the number of its declared endpoints (None: it can't be introspected)."""
    found = []
    for name, service in gateway.services.items():
        config = gateway.config.services[name]
        endpoints = service.endpoints()
        found.append(
            {
                "name": name,
                "app": config.app,
                "url": config.url,
                "middleware": None if config.url else config.middleware,
                "endpoints": None if endpoints is None else len(endpoints),
            }
        )
    return found


def routes(gateway: Gateway) -> list[dict[str, Any]]:
    """Every route in order of precedence, with its current stage and each template that it claims."""
    taken = _taken(gateway) if is_django(gateway) else {}
    compiled = gateway.snapshot.compiled
    declared = {route.name: route for route in gateway.config.routes}
    claimed: dict[str, list[dict[str, Any]]] = {}
    for rule in gateway.snapshot.table.rules:
        endpoint = rule.endpoint
        methods = [] if ANY in endpoint.methods else sorted(endpoint.methods)
        claimed.setdefault(rule.route, []).append(
            {"path": endpoint.path, "methods": methods, "below": endpoint.is_subtree}
        )
    return [
        {
            "name": name,
            "prefix": declared[name].prefix,
            "path": declared[name].path,
            "methods": list(declared[name].methods or ()),
            "service": declared[name].service,
            "claim": declared[name].claim,
            "declared": declared_state(declared[name]),
            "effective": compiled[name].policy.state,
            "endpoints": endpoints,
            "takes_over": taken.get(name, []),
        }
        for name, endpoints in claimed.items()
    ]


def route_document(route: dict[str, Any]) -> dict[str, Any]:
    """A route in the form of `Route` in workbench/shapes."""
    from gateway.workbench.shapes import stage

    described = {key: value for key, value in route.items() if key != "name"}
    stages = {key: stage(route[key]) for key in ("declared", "effective")}
    return {"route": route["name"], **described, **stages}


def _taken(gateway: Gateway) -> dict[str, list[dict[str, Any]]]:
    from gateway.workbench.taken import taken_urls  # it imports Django

    return taken_urls(gateway.snapshot)


def stage_of(state: State) -> str:
    """A state in a few words: "canary 10 %", "live"."""
    weight = f" {state.weight:g} %" if state.stage == CANARY else ""
    return f"{state.stage}{weight}{', paused' if state.paused else ''}"


def route_phrases(gateway: Gateway) -> list[str]:
    """For each route, in the order of the file, its name and its current state: "catalog canary 10 %"."""
    compiled = gateway.snapshot.compiled
    return [f"{route.name} {stage_of(compiled[route.name].policy.state)}" for route in gateway.config.routes]


def notes(gateway: Gateway) -> list[str]:
    """Notes that aren't problems."""
    found = _django_notes(gateway) if is_django(gateway) else []
    if gateway.config.legacy.asgi:
        found.append(f"{gateway.config.legacy.asgi} gets every request that Django answers, WebSockets included")
    found += [f"nothing is mirrored: {what}" for what in gateway.mirroring.barred]
    bare = [name for name, service in gateway.config.services.items() if service.middleware == "none"]
    if bare:
        found.append(f"the project's MIDDLEWARE does not run around {', '.join(bare)}: no sessions, no CSRF, no users")
    compiled = gateway.snapshot.compiled
    idle = [route.name for route in gateway.config.routes if compiled[route.name].policy.state.stage == LEGACY_STAGE]
    if idle:
        found.append(f"Django answers what {', '.join(idle)} would claim: stage legacy")
    unused = gateway.config.services.keys() - {route.service for route in gateway.config.routes}
    if unused:
        found.append(f"no route uses {', '.join(sorted(unused))}")
    return found


def _django_notes(gateway: Gateway) -> list[str]:
    from django.conf import settings

    found = [_static_note(gateway), _line_note(gateway)]
    if gateway.config.legacy.asgi is None:
        from gateway.legacy.urlconf import AsyncViews

        count = len(AsyncViews())
        if count:
            views = "view runs" if count == 1 else "views run"
            found.append(f"{count} asynchronous {views} on Django's own ASGI handler, all others on threads")
    if not settings.DEBUG and not settings.ALLOWED_HOSTS:
        found.append("DEBUG is off and ALLOWED_HOSTS is empty: every request will be answered 400")
    return found


def _line_note(gateway: Gateway) -> str:
    """Which requests wait for a thread, and which have threads in reserve."""
    legacy = gateway.config.legacy
    reserve = f"; the admin and {', '.join(legacy.reserved)} have {legacy.reserve} more" if legacy.reserve else ""
    return f"{legacy.queue:,} requests may wait for a thread, {legacy.queue_timeout:g} s each{reserve}"


def _static_note(gateway: Gateway) -> str:
    from django.conf import settings

    from gateway.legacy.static import build_static

    if not gateway.config.legacy.static:
        return "static files are not served: [legacy] static = false"
    if build_static() is not None:
        return f"static files are served at {settings.STATIC_URL}"
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS or not settings.STATIC_URL:
        return "static files are not served: the project has none"
    return "static files are served by the project's own middleware, or elsewhere"
