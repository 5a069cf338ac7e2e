"""From configuration to upstreams: imports what it names, and reports what can't be imported."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from gateway.config import LegacyConfig, Problem, ServiceConfig
from gateway.routing.table import Endpoint
from gateway.upstreams.base import Legacy, Service

if TYPE_CHECKING:
    from gateway.bridge.views import Profile

__all__ = ["build_legacy", "build_services", "set_up_django", "set_up_legacy"]

SETTINGS_VARIABLE = "DJANGO_SETTINGS_MODULE"


def build_legacy(config: LegacyConfig, problems: list[Problem]) -> Legacy | None:
    """The upstream for `[legacy]`; None when there is a problem, which is then in `problems`.

    Django is set up on the way, so call this before any service is imported.
    """
    if not set_up_legacy(config, problems):
        return None
    if config.wsgi is not None:
        app = _imported("legacy.wsgi", config.wsgi, problems)
        if app is None:
            return None
        from gateway.upstreams.wsgi import WSGIUpstream

        return WSGIUpstream(app, threads=config.threads)
    asgi = None
    if config.asgi is not None and (asgi := _imported("legacy.asgi", config.asgi, problems)) is None:
        return None
    try:
        from gateway.upstreams.django import DjangoUpstream

        return DjangoUpstream(threads=config.threads, asgi=asgi, static=config.static)
    except Exception as exc:  # noqa: BLE001 - the URLconf and every middleware are imported: anything can happen
        problems.append(Problem("legacy", None, f"the project can't be loaded: {_said(exc)}"))
        return None


def build_services(
    configs: Mapping[str, ServiceConfig], legacy: Legacy | None, problems: list[Problem]
) -> dict[str, Service]:
    """The services that can be built; problems with the others are in `problems`. Without `legacy`, they are
    only looked at."""
    services: dict[str, Service] = {}
    for name, config in configs.items():
        service = _remote(name, config) if config.url is not None else _local(name, config, legacy, problems)
        if service is not None:
            services[name] = service
    return services


def _remote(name: str, config: ServiceConfig) -> Service:
    from gateway.upstreams.remote import RemoteUpstream

    return RemoteUpstream(name, config.url or "", timeout=config.timeout, max_body=config.max_body)


def _local(name: str, config: ServiceConfig, legacy: Legacy | None, problems: list[Problem]) -> Service | None:
    from gateway.upstreams.service import ImportStringError, ServiceUpstream

    around = None
    if config.middleware != "none" and legacy is not None:
        around = partial(_bridged, name, config, legacy, problems)
    try:
        service = ServiceUpstream(name, config.app or "", max_body=config.max_body, around=around)
    except ImportStringError as exc:
        problems.append(Problem(f"services.{name}.app", config.app, f"an importable ASGI application: {exc}"))
        return None
    if config.middleware == "none" and legacy is not None:
        problems += _unbridged(name, service.declared, service.endpoints(), legacy)
    return service


def _unbridged(name: str, app: object, endpoints: Sequence[Endpoint] | None, legacy: Legacy) -> list[Problem]:
    """What is wrong with a service outside of the project's middleware."""
    from gateway.upstreams.django import DjangoUpstream

    if not isinstance(legacy, DjangoUpstream):
        return []
    from gateway.bridge.problems import unbridged_problems

    return unbridged_problems(name, app, endpoints)


def _bridged(
    name: str,
    config: ServiceConfig,
    legacy: Legacy,
    problems: list[Problem],
    app: ASGIApp,
    endpoints: Sequence[Endpoint],
) -> ASGIApp:
    """`app` inside the project's middleware."""
    from gateway.upstreams.django import DjangoUpstream

    key = f"services.{name}.middleware"
    if not isinstance(legacy, DjangoUpstream):
        expected = '"none": with [legacy] wsgi = "…", the gateway has no middleware to run'
        problems.append(Problem(key, config.middleware, expected))
        return app
    from gateway.bridge.middleware import Bridge
    from gateway.bridge.problems import bridge_problems

    found = bridge_problems(name, config.middleware, endpoints)
    problems += found
    if found:
        return app
    profile = _profile(name, config, app, problems)
    entries = config.middleware if isinstance(config.middleware, tuple) else None
    return Bridge(
        app,
        legacy,
        name=name,
        endpoints=endpoints,
        entries=entries,
        one_thread=config.one_thread,
        profile=profile,
    )


def _profile(name: str, config: ServiceConfig, app: ASGIApp, problems: list[Problem]) -> Profile | None:
    """What `answers` stands for; None for "plain" and where there is a problem."""
    if config.answers == "plain":
        return None
    from gateway.bridge.problems import route_problems

    if config.answers == "django":
        from gateway.bridge.pages import DjangoProfile, DjangoRoute

        problems += route_problems(name, config.answers, app, DjangoRoute)
        return DjangoProfile()
    try:
        from gateway.bridge.drf.profile import DRFProfile
        from gateway.bridge.drf.route import DRFRoute
    except ImportError as exc:
        expected = f'Django REST framework: pip install "django-fastapi-gateway[drf]" ({exc})'
        problems.append(Problem(f"services.{name}.answers", config.answers, expected))
        return None
    problems += route_problems(name, config.answers, app, DRFRoute)
    return DRFProfile()


def set_up_django(module: str) -> None:
    """`django.setup()` with this settings module. Raises what the project raises.

    Settings are the process's own: where others are in force already, RuntimeError says which.
    """
    from django.conf import settings

    # Settings that are overridden for a test don't know where they came from.
    if settings.configured and module != (active := settings.SETTINGS_MODULE or os.environ.get(SETTINGS_VARIABLE)):
        raise RuntimeError(f"this process has set up {active} already")
    os.environ[SETTINGS_VARIABLE] = module
    import django

    django.setup()


def set_up_legacy(config: LegacyConfig, problems: list[Problem]) -> bool:
    """`django.setup()` as `[legacy]` says, without loading the URLconf. False when there is a problem, which is then
    in `problems`."""
    module = config.settings or os.environ.get(SETTINGS_VARIABLE)
    if module is None:
        if config.wsgi is not None:
            return True  # not a Django project, or one that sets itself up
        expected = f'missing; write settings = "mysite.settings", or set {SETTINGS_VARIABLE}'
        problems.append(Problem("legacy.settings", None, expected))
        return False
    try:
        set_up_django(module)
    except ModuleNotFoundError as exc:
        if exc.name is not None and (module == exc.name or module.startswith(f"{exc.name}.")):
            expected = f"a settings module that can be imported; there is no module {exc.name!r}"
        else:
            expected = f"a project that can be set up: {_said(exc)}"
        problems.append(Problem("legacy.settings", module, expected))
        return False
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - settings and every app's ready() run here: anything can happen
        problems.append(Problem("legacy.settings", module, f"a project that can be set up: {_said(exc)}"))
        return False
    return True


def _imported(key: str, target: str, problems: list[Problem]) -> Any:
    from gateway.upstreams.service import ImportStringError, import_from_string

    try:
        return import_from_string(target)
    except ImportStringError as exc:
        problems.append(Problem(key, target, f"an importable application: {exc}"))
        return None


def _said(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {exc}"
