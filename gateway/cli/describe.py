"""What a built gateway consists of, as plain values: `check`, `routes` and the banner of `serve` print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.rollout.plan import declared_state
from gateway.rollout.stage import CANARY, LEGACY_STAGE, State
from gateway.routing.table import ANY
from gateway.upstreams.service import ServiceUpstream

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = [
    "is_django",
    "legacy",
    "middleware",
    "middleware_lines",
    "notes",
    "route_phrases",
    "routes",
    "services",
    "stage_of",
    "threads",
]


def is_django(gateway: Gateway) -> bool:
    """Whether legacy is a Django project that can be asked."""
    return gateway.config.legacy.wsgi is None


def legacy(gateway: Gateway) -> dict[str, Any]:
    """The Django project, or the WSGI application in its place."""
    config = gateway.config.legacy
    settings = None
    if is_django(gateway):
        from django.conf import settings as active

        settings = active.SETTINGS_MODULE
    return {"settings": settings, "asgi": config.asgi, "wsgi": config.wsgi, "threads": config.threads}


def threads(gateway: Gateway) -> int:
    """How many threads of this process may have a connection to the database."""
    from gateway.upstreams.django import DjangoUpstream

    upstream = gateway.legacy
    serving = upstream.most_threads if isinstance(upstream, DjangoUpstream) else gateway.config.legacy.threads
    return serving + (gateway.control.THREADS if gateway.control is not None else 0)


def middleware(gateway: Gateway) -> dict[str, list[dict[str, Any]]]:
    """For each service in this process, every entry of the project's MIDDLEWARE, applied or dropped, and why."""
    if not is_django(gateway):
        return {}
    return {
        name: _entries(service) for name, service in gateway.services.items() if isinstance(service, ServiceUpstream)
    }


def _entries(service: ServiceUpstream) -> list[dict[str, Any]]:
    from django.conf import settings

    from gateway.bridge.middleware import Bridge

    if isinstance(service.surroundings, Bridge):
        entries = service.surroundings.chain.entries
        return [{"entry": entry.path, "applied": entry.applied, "why": entry.why} for entry in entries]
    return [{"entry": path, "applied": False, "why": 'middleware = "none"'} for path in settings.MIDDLEWARE]


def middleware_lines(gateway: Gateway) -> list[str]:
    """One line for each service: how many entries are applied, and each that is dropped, with the reason."""
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
    """Every service, with how many endpoints it declares (None: it can't be asked)."""
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
    """Every route in order of precedence, with the stage in force and each template that it claims."""
    choices = gateway.snapshot.choices
    declared = {route.name: route for route in gateway.config.routes}
    claimed: dict[str, list[dict[str, Any]]] = {}
    for rule in gateway.snapshot.table.rules:
        endpoint = rule.endpoint
        methods = [] if ANY in endpoint.methods else sorted(endpoint.methods)
        claimed.setdefault(rule.route, []).append({"path": endpoint.path, "methods": methods, "below": endpoint.tree})
    return [
        {
            "name": name,
            "prefix": declared[name].prefix,
            "path": declared[name].path,
            "methods": list(declared[name].methods or ()),
            "service": declared[name].service,
            "claim": declared[name].claim,
            "stage": (state := choices[name].plan.state).stage,
            "weight": state.weight if state.stage == CANARY else None,
            "paused": state.paused,
            "declared": str(declared_state(declared[name])),
            "endpoints": endpoints,
        }
        for name, endpoints in claimed.items()
    ]


def stage_of(state: State) -> str:
    """In a few words: "canary 10 %", "live"."""
    weight = f" {state.weight:g} %" if state.stage == CANARY else ""
    return f"{state.stage}{weight}{', paused' if state.paused else ''}"


def route_phrases(gateway: Gateway) -> list[str]:
    """For each route, in the order of the file, its name and the stage in force: "catalog canary 10 %"."""
    choices = gateway.snapshot.choices
    return [f"{route.name} {stage_of(choices[route.name].plan.state)}" for route in gateway.config.routes]


def notes(gateway: Gateway) -> list[str]:
    """What is worth knowing, though nothing is wrong with it."""
    found = _django_notes(gateway) if is_django(gateway) else []
    if gateway.config.legacy.asgi:
        found.append(f"{gateway.config.legacy.asgi} gets every request that Django answers, WebSockets included")
    bare = [name for name, service in gateway.config.services.items() if service.middleware == "none"]
    if bare:
        found.append(f"the project's MIDDLEWARE does not run around {', '.join(bare)}: no sessions, no CSRF, no users")
    choices = gateway.snapshot.choices
    idle = [route.name for route in gateway.config.routes if choices[route.name].plan.state.stage == LEGACY_STAGE]
    if idle:
        found.append(f"Django answers what {', '.join(idle)} would claim: stage legacy")
    unused = gateway.config.services.keys() - {route.service for route in gateway.config.routes}
    if unused:
        found.append(f"no route uses {', '.join(sorted(unused))}")
    return found


def _django_notes(gateway: Gateway) -> list[str]:
    from django.conf import settings

    found = [_static_note(gateway)]
    if gateway.config.legacy.asgi is None:
        from gateway.upstreams.urlconf import AsyncViews

        count = len(AsyncViews())
        if count:
            views = "view runs" if count == 1 else "views run"
            found.append(f"{count} asynchronous {views} on Django's own ASGI handler, all others on threads")
    if not settings.DEBUG and not settings.ALLOWED_HOSTS:
        found.append("DEBUG is off and ALLOWED_HOSTS is empty: every request will be answered 400")
    return found


def _static_note(gateway: Gateway) -> str:
    from django.conf import settings

    from gateway.upstreams.static import build_static

    if not gateway.config.legacy.static:
        return "static files are not served: [legacy] static = false"
    if build_static() is not None:
        return f"static files are served at {settings.STATIC_URL}"
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS or not settings.STATIC_URL:
        return "static files are not served: the project has none"
    return "static files are served by the project's own middleware, or elsewhere"
