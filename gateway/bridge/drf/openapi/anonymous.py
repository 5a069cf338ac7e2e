"""Which endpoints below `drf(…)` let in anonymous callers, in their service's OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.security.base import SecurityBase
from rest_framework.views import APIView
from starlette.routing import Mount

from gateway.bridge.drf.openapi.requirements import lets_in_anybody
from gateway.bridge.drf.request import EndpointView, ViewPart, view_class
from gateway.compat.fastapi import called_before, route_contexts
from gateway.upstreams.introspection import unwrapped

__all__ = ["document_anonymous"]


def document_anonymous(app: object) -> None:
    """Have the document of `app`, and of those that it mounts, say where no credentials are needed.

    FastAPI writes an alternative for each security scheme, and has no way to say "or none" (`{}`: OpenAPI 3.1, 4.8.30).
    """
    found = unwrapped(app)
    for route in getattr(found, "routes", ()):
        if isinstance(route, Mount):
            document_anonymous(route.app)
    if not isinstance(found, FastAPI) or "openapi_without_anonymous" in vars(found):
        return
    original = found.openapi
    found.openapi_without_anonymous = original  # type: ignore[attr-defined] # so that a second gateway leaves it alone

    def openapi() -> dict[str, Any]:
        document = original()
        _add(found, document)
        return document

    found.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend it


def _add(app: FastAPI, document: Mapping[str, Any]) -> None:
    """Add the alternative to `document`, unless it is there: FastAPI keeps the document that it has made."""
    for context in route_contexts(app.routes):
        dependant, methods = getattr(context, "dependant", None), context.methods or ()
        operations = document.get("paths", {}).get(context.path_format, {})
        calls = tuple(called_before(dependant))
        for method in methods:
            security = operations.get(method.lower(), {}).get("security")
            if security and {} not in security and _needs_none(calls, method):
                security.append({})


def _needs_none(calls: Sequence[Any], method: str) -> bool:
    """Whether anonymous callers are let in by what is called before an endpoint."""
    parts: list[ViewPart] = [call for call in calls if isinstance(call, ViewPart)]
    if not any(part.guards for part in parts) or any(part.lifted is not None for part in parts):
        return False  # a lifted endpoint has its view's document
    if any(isinstance(call, SecurityBase) and not getattr(call, "only_documents", False) for call in calls):
        return False  # FastAPI's own, which asks for credentials
    view = view_class(tuple(calls), frozenset({method}))
    if any(part.view is not None and part.view.get_permissions is not APIView.get_permissions for part in parts):
        return False  # it depends on the request
    return all(_lets_in(kind, method) for kind in _permissions(view))


def _permissions(view: type[EndpointView]) -> list[Any]:
    return [*view.permission_classes, *view.gateway_permissions]


def _lets_in(kind: Any, method: str) -> bool:
    return lets_in_anybody(kind, method) and not hasattr(kind, "key_parser")  # which is a key, if not a user
