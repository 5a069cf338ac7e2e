"""The API document of the project and its services, and its pages."""

from __future__ import annotations

import importlib.util
import json
import logging
import platform
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from starlette.routing import Mount

from gateway.apidoc.merge import ServedOperation, merge
from gateway.apidoc.names import SourceDocument
from gateway.apidoc.operations import Document
from gateway.apidoc.pages import INSTALL, Csrf, Pages
from gateway.apidoc.paths import pages
from gateway.apidoc.published import ApiDocument, Sources
from gateway.config.parse import Config
from gateway.observability.health import Probes, Readiness
from gateway.rollout.decision import LEGACY
from gateway.rollout.stage import LIVE
from gateway.snapshot import Snapshot
from gateway.upstreams.base import Legacy, Service
from gateway.upstreams.release import release_of

__all__ = ["api_document", "build_pages"]

logger = logging.getLogger("gateway")


def build_pages(
    config: Config,
    services: Mapping[str, Service],
    legacy: Legacy,
    snapshot: Callable[[], Snapshot],
    readiness: Readiness,
) -> Pages:
    """The gateway's own pages: those of the API document, for the paths that `[gateway]` names, and those for probes.
    Nothing is read until it is asked for."""
    document, settings = api_document(services, legacy), config.gateway
    probes = Probes(str(config.health.prefix), readiness, lambda: _about(config, services, snapshot()))
    return Pages(pages(settings), document, snapshot, _csrf, str(settings.openapi_path), probes)


def _about(config: Config, services: Mapping[str, Service], snapshot: Snapshot) -> dict[str, Any]:
    """What this process runs."""
    return {
        "gateway": version("django-fastapi-gateway"),
        "revision": snapshot.revision,
        "services": {
            name: release_of(one.release, one.app, services[name].endpoints()) for name, one in config.services.items()
        },
        "python": platform.python_version(),
        "django": version("django"),
    }


def api_document(services: Mapping[str, Service], legacy: Legacy) -> ApiDocument:
    """The document of what the project's REST framework and the services declare."""
    return ApiDocument(lambda: _read(services, legacy))


def _read(services: Mapping[str, Service], legacy: Legacy) -> Sources:
    documents: list[SourceDocument] = []
    notes: list[str] = []
    documents += _of_project(legacy, notes)
    for name, service in services.items():
        documents += (SourceDocument(name, one) for one in _of_service(name, service, notes))
    return Sources(documents, notes)


def _of_project(legacy: Legacy, notes: list[str]) -> list[SourceDocument]:
    from django.apps import apps

    from gateway.legacy.upstream import DjangoUpstream

    if not isinstance(legacy, DjangoUpstream) or not apps.is_installed("rest_framework"):
        return []
    if importlib.util.find_spec("drf_spectacular") is None:
        notes.append(f"the API of the Django project, which drf-spectacular describes: {INSTALL}")
        return []
    from gateway.bridge.drf.openapi.project import project_document

    try:
        return [SourceDocument(LEGACY, _usable(project_document()))]
    except Exception as exc:
        logger.warning("the project's API is not in the API document", exc_info=True)
        notes.append(f"the API of the Django project: drf-spectacular raised {type(exc).__name__}, see the log")
        return []


def _of_service(name: str, service: Service, notes: list[str]) -> list[Document]:
    """The documents of a service's application and of those that it mounts."""
    from gateway.upstreams.service import ServiceUpstream

    if not isinstance(service, ServiceUpstream):
        notes.append(f"service {name}, which is at a url")
        return []
    try:
        return [_usable(one) for one in _declared(service.declared, "")]
    except Exception as exc:  # what it says may be for nobody but the log: the document may be public
        logger.warning("service %r is not in the API document", name, exc_info=True)
        notes.append(f"service {name}: its OpenAPI document can't be made ({type(exc).__name__}), see the log")
        return []


def _usable(document: Document) -> Document:
    """`document`, if it can be merged and sent; raises otherwise. So one that is wrong leaves the others' alone."""
    both = [SourceDocument(LEGACY, document), SourceDocument("service", document)]
    json.dumps(merge(both, lambda _upstream, _operation: ServedOperation(LIVE)))
    return document


def _declared(app: Any, prefix: str) -> Iterator[Document]:
    from gateway.upstreams.introspection import unwrapped

    app = unwrapped(app)
    if callable(openapi := getattr(app, "openapi", None)):  # FastAPI's; Starlette has none
        document = openapi()
        paths = {prefix + path: item for path, item in document.get("paths", {}).items()}
        yield {**document, "paths": paths}
    for route in getattr(app, "routes", ()):
        if isinstance(route, Mount):
            yield from _declared(route.app, prefix + route.path)


def _csrf() -> Csrf:
    """How the project expects its CSRF token. A token in the session can't be read here."""
    from django.apps import apps
    from django.conf import settings

    if not apps.ready or settings.CSRF_USE_SESSIONS:
        return Csrf()
    header = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
    return Csrf(settings.CSRF_COOKIE_NAME, header, settings.CSRF_COOKIE_HTTPONLY)
