"""Finds the endpoints that an application declares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from starlette.routing import BaseRoute, Host, Mount, WebSocketRoute

from gateway.compat.starlette import convertor_patterns
from gateway.routing.table import ANY, EndpointPattern

__all__ = ["declared_endpoints", "unwrapped"]


# Convertors that the routing table knows by name.
_KNOWN_CONVERTORS = {"str", "int", "float", "uuid", "path"}


def unwrapped(app: Any) -> Any:
    """The application inside ASGI middleware, or `app` itself."""
    while not hasattr(app, "routes") and callable(getattr(app, "app", None)):
        app = app.app
    return app


def declared_endpoints(app: Any) -> list[EndpointPattern] | None:
    """The endpoints of a FastAPI or Starlette application, including mounted ones; None for any other application."""
    app = unwrapped(app)
    if not hasattr(app, "routes"):
        return None
    endpoints = list(_walk(app.routes, ""))
    root_path = getattr(app, "root_path", "").rstrip("/")
    if root_path:  # FastAPI(root_path="/v1") answers on /items and on /v1/items
        endpoints += [replace(endpoint, path=root_path + endpoint.path) for endpoint in endpoints]
    return endpoints


def _walk(routes: Sequence[BaseRoute], prefix: str) -> Iterator[EndpointPattern]:
    from gateway.compat.fastapi import called_before, lingers, route_contexts

    for context in route_contexts(routes):
        route, path = context.original_route, context.path
        if path is None or isinstance(route, Host):
            continue  # a Host route depends on more than path and method
        convertors = _own_convertors(path)
        if isinstance(route, Mount):
            yield from _mounted(route, prefix + path.rstrip("/"), convertors)
            continue
        socket = isinstance(route, WebSocketRoute)
        methods = frozenset({"WEBSOCKET"} if socket else context.methods or {ANY})
        function = getattr(route, "endpoint", None)
        dependant = getattr(context, "dependant", None)
        before = tuple(called_before(dependant))
        late = dependant is not None and lingers(dependant, socket=socket)
        yield EndpointPattern(prefix + path, methods, False, convertors, function, before, late)


def _mounted(mount: Mount, path: str, convertors: tuple[tuple[str, str], ...]) -> Iterator[EndpointPattern]:
    inner = declared_endpoints(mount.app)
    if inner is None:  # static files, or another application that can't be introspected
        yield EndpointPattern(path or "/", frozenset({ANY}), is_subtree=True, convertors=convertors)
        return
    for endpoint in inner:
        yield replace(endpoint, path=path + endpoint.path, convertors=convertors + endpoint.convertors)


def _own_convertors(path: str) -> tuple[tuple[str, str], ...]:
    """The path's convertors that are not Starlette's own but were registered with it."""
    own = convertor_patterns().items()
    return tuple(sorted((name, regex) for name, regex in own if name not in _KNOWN_CONVERTORS and f":{name}}}" in path))
