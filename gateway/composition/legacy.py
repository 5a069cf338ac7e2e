"""The upstream for `[legacy]`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gateway.clock import SYSTEM, Clock
from gateway.composition.django import said, set_up_legacy
from gateway.config.legacy import LegacyConfig
from gateway.config.problems import Problem
from gateway.dispatch.bodies import Bodies
from gateway.upstreams.base import Legacy

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import ResolverMatch

    from gateway.legacy.callers import Authenticate, Authentication


__all__ = ["authentication_of_drf", "build_legacy"]


def build_legacy(
    config: LegacyConfig, problems: list[Problem], bodies: Bodies | None = None, clock: Clock = SYSTEM
) -> Legacy | None:
    """The upstream for `[legacy]`, which holds the bodies of requests in `bodies`; None, with a problem added to
    `problems`, when it can't be built.

    This sets Django up, so call it before any service is imported.
    """
    if not set_up_legacy(config, problems):
        return None
    if config.wsgi is not None:
        app = _imported("legacy.wsgi", config.wsgi, problems)
        if app is None:
            return None
        from gateway.legacy.wsgi import WSGIUpstream

        return WSGIUpstream(
            app, threads=config.threads, django=config.settings is not None or _is_django(app), max_body=config.max_body
        )
    asgi = None
    if config.asgi is not None and (asgi := _imported("legacy.asgi", config.asgi, problems)) is None:
        return None
    try:
        from gateway.legacy.upstream import DjangoUpstream

        return DjangoUpstream(
            threads=config.threads,
            asgi=asgi,
            static=config.static,
            bodies=bodies,
            max_body=config.max_body,
            queue=config.queue,
            queue_timeout=config.queue_timeout,
            reserve=config.reserve,
            reserved=config.reserved,
            authentication=authentication_of_drf,
            clock=clock,
        )
    except Exception as exc:  # noqa: BLE001 - the URLconf and every middleware are imported: anything can happen
        problems.append(Problem("legacy", None, f"the project can't be loaded: {said(exc)}"))
        return None


def authentication_of_drf() -> Authenticate | None:
    """How views of Django REST framework authenticate callers; None if the project has none."""
    return _as_drf if "rest_framework.views" in sys.modules else None


def _as_drf(request: HttpRequest, match: ResolverMatch | None) -> Authentication:
    # Imported only when a caller is to be found: most gateways have no canary, and this imports FastAPI.
    try:
        from gateway.bridge.drf.callers import ByDRF
    except ImportError:  # an older version than the extra requires
        from gateway.legacy.callers import BySession

        return BySession(request)
    return ByDRF(request, match)


def _is_django(app: object) -> bool:
    """Whether a WSGI application is a Django project, which has set itself up by now."""
    from django.core.handlers.wsgi import WSGIHandler

    return isinstance(app, WSGIHandler)


def _imported(key: str, target: str, problems: list[Problem]) -> Any:
    from gateway.upstreams.importing import ImportStringError, import_from_string

    try:
        return import_from_string(target)
    except ImportStringError as exc:
        problems.append(Problem(key, target, f"an importable application: {exc}"))
        return None
