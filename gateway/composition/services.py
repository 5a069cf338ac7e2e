"""The upstreams for `[services.NAME]`."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from gateway.config.problems import Problem
from gateway.config.services import ServiceConfig
from gateway.routing.table import EndpointPattern
from gateway.upstreams.base import Legacy, Service
from gateway.upstreams.bulkhead import Bulkhead, limit_threads
from gateway.upstreams.release import release_of

if TYPE_CHECKING:
    from gateway.bridge.views import ResponseStyle
    from gateway.upstreams.service import ServiceUpstream


__all__ = ["build_services"]

ANYIO_THREADS = 40  # AnyIO's default for all; here each service without the project's middleware has as many


def build_services(
    configs: Mapping[str, ServiceConfig],
    legacy: Legacy | None,
    problems: list[Problem],
    doubtful: Collection[str] = (),
) -> dict[str, Service]:
    """The services that can be built; problems of the others are added to `problems`. Without `legacy`, they are only
    checked. Keys in `doubtful` are wrong in the file, and lead to no further problems."""
    services: dict[str, Service] = {}
    for name, config in configs.items():
        sure = all(f"services.{name}.{key}" not in doubtful for key in ("middleware", "answers"))
        service = _remote(name, config) if config.url is not None else _local(name, config, legacy, problems, sure=sure)
        if service is not None:
            services[name] = service
    return services


def _remote(name: str, config: ServiceConfig) -> Service:
    from gateway.upstreams.remote import RemoteUpstream

    return RemoteUpstream(name, config.url or "", timeout=config.timeout, max_body=config.max_body)


def _local(
    name: str, config: ServiceConfig, legacy: Legacy | None, problems: list[Problem], *, sure: bool
) -> Service | None:
    from gateway.upstreams.importing import ImportStringError
    from gateway.upstreams.service import ServiceUpstream

    around = None
    if config.middleware != "none" and legacy is not None and sure:
        around = partial(_bridged, name, config, legacy, problems)
    elif config.middleware == "none" and legacy is not None:
        around = partial(_apart, name, config, legacy)
    try:
        service = ServiceUpstream(name, config.app or "", max_body=config.max_body, around=around)
    except ImportStringError as exc:
        if legacy is None and _wants_django(exc):
            return None  # reported as a problem already
        problems.append(Problem(f"services.{name}.app", config.app, f"an importable ASGI application: {exc}"))
        return None
    if service.max_body is None and service.surroundings is not None and legacy is not None:
        service.max_body = legacy.max_body  # its bodies are held as legacy's are, for the middleware
    if not sure:
        return service
    if legacy is None:
        problems += _without_legacy(name, config, service)
    if config.middleware == "none" and legacy is not None:
        problems += _unbridged(name, service.declared, service.endpoints(), legacy)
    return service


def _without_legacy(name: str, config: ServiceConfig, service: ServiceUpstream) -> list[Problem]:
    """Problems of a service inside the project's middleware that can be found when Django is only set up."""
    from django.apps import apps

    if config.middleware == "none" or not apps.ready:
        return []
    from gateway.bridge.checks import bridge_problems

    found = bridge_problems(name, config.middleware, service.endpoints() or [], None)
    _style(name, config, service.declared, found)
    return found


def _wants_django(error: BaseException) -> bool:
    """Whether an import failed because Django isn't set up."""
    from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, AppRegistryNotReady | ImproperlyConfigured):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _apart(
    name: str, config: ServiceConfig, legacy: Legacy, app: ASGIApp, endpoints: Sequence[EndpointPattern]
) -> ASGIApp:
    """`app` with threads of its own, if it has plain functions to run there."""
    from gateway.upstreams.service import is_async

    functions = [function for one in endpoints for function in (one.function, *one.dependencies)]
    if functions and all(function is not None and is_async(function) for function in functions):
        return app
    _keep_to_their_threads()
    threads = config.threads or ANYIO_THREADS
    return Bulkhead(app, name, threads=threads, queue=config.queue, legacy=legacy)


def _keep_to_their_threads() -> None:
    from django.apps import apps

    if apps.ready:
        from gateway.bridge.orm import divert_sync_calls

        divert_sync_calls()
    else:  # a WSGI application that isn't Django's: the bridge can't be imported
        limit_threads()


def _unbridged(name: str, app: object, endpoints: Sequence[EndpointPattern] | None, legacy: Legacy) -> list[Problem]:
    """Problems of a service outside of the project's middleware."""
    from gateway.legacy.upstream import DjangoUpstream

    if not isinstance(legacy, DjangoUpstream):
        return []
    from gateway.bridge.checks import unbridged_problems, unread_problems

    return unbridged_problems(name, app, endpoints) + unread_problems(name, "plain", app)


def _bridged(
    name: str,
    config: ServiceConfig,
    legacy: Legacy,
    problems: list[Problem],
    app: ASGIApp,
    endpoints: Sequence[EndpointPattern],
) -> ASGIApp:
    """`app` inside the project's middleware."""
    from gateway.legacy.upstream import DjangoUpstream

    key = f"services.{name}.middleware"
    if not isinstance(legacy, DjangoUpstream):
        expected = '"none": with [legacy] wsgi = "…", the gateway has no middleware to run'
        problems.append(Problem(key, config.middleware, expected))
        return app
    from gateway.bridge.bridge import Bridge
    from gateway.bridge.checks import bridge_problems, unread_problems

    found = bridge_problems(name, config.middleware, endpoints, legacy.ways)
    problems += found
    style = _style(name, config, app, problems)
    problems += unread_problems(name, config.answers, app)
    if found:
        return app
    if "gateway.bridge.drf.credentials" in sys.modules:  # else no endpoint uses them
        from gateway.bridge.drf.openapi.anonymous import document_anonymous

        document_anonymous(app)
    entries = config.middleware if isinstance(config.middleware, tuple) else None
    return Bridge(
        app,
        legacy,
        name=name,
        endpoints=endpoints,
        entries=entries,
        one_thread=config.one_thread,
        style=style,
        release=release_of(config.release, config.app, endpoints),
        threads=config.threads,
        queue=config.queue,
    )


def _style(name: str, config: ServiceConfig, app: ASGIApp, problems: list[Problem]) -> ResponseStyle | None:
    """The response style that `answers` names; None for "plain", or when there is a problem."""
    if config.answers == "plain":
        return None
    from gateway.bridge.checks import route_problems

    if config.answers == "django":
        from gateway.bridge.django_json import DjangoRoute, DjangoStyle

        problems += route_problems(name, config.answers, app, DjangoRoute)
        return DjangoStyle()
    try:
        from gateway.bridge.drf.dispatching_view import DRFStyle
        from gateway.bridge.drf.openapi.by_language import document_by_language
        from gateway.bridge.drf.route import DRFRoute
    except ImportError as exc:
        expected = f'Django REST framework: pip install "django-fastapi-gateway[drf]" ({exc})'
        problems.append(Problem(f"services.{name}.answers", config.answers, expected))
        return None
    problems += route_problems(name, config.answers, app, DRFRoute)
    document_by_language(app)
    return DRFStyle()
