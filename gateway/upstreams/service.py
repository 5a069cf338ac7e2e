"""A service in this process: an ASGI application, and what it declares."""

from __future__ import annotations

import importlib
import inspect
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.convertors import CONVERTOR_TYPES
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import BaseRoute, Host, Mount, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.routing.table import ANY, Endpoint
from gateway.upstreams.lifespan import Lifespan

__all__ = ["ImportStringError", "ServiceUpstream", "declared_endpoints", "import_from_string", "unwrapped"]

# Convertors the table knows by name.
_KNOWN_CONVERTORS = {"str", "int", "float", "uuid", "path"}


class ImportStringError(Exception):
    """A "package.module:attribute" that can't be imported. The message says what is wrong with it."""


def import_from_string(target: str) -> Any:
    """The object that `package.module:attribute` names. Raises ImportStringError, which says where an import failed."""
    module_name, _, attributes = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as exc:
        if exc.name is not None and (module_name == exc.name or module_name.startswith(f"{exc.name}.")):
            raise ImportStringError(f"there is no module {exc.name!r}") from exc
        raise ImportStringError(f"importing {module_name} failed: {_located(exc)}") from exc
    except (Exception, SystemExit) as exc:
        raise ImportStringError(f"importing {module_name} failed: {_located(exc)}") from exc
    try:
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except AttributeError as exc:
        raise ImportStringError(f"{module_name} has no attribute {attributes!r}") from exc
    return found


def _located(error: BaseException) -> str:
    """`error`, and the last line of the user's own code that led to it: not Python's, nor an installed package's."""
    said = f"{type(error).__name__}: {error}"
    others = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    others.add(Path(__file__).parents[1])
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_file() and others.isdisjoint(path.parents):
            return f"{said} ({path}, line {frame.lineno})"
    return said


class ServiceUpstream:
    """An ASGI application in this process. `target` is its "package.module:attribute"; a factory is called.

    `around` puts the application inside something else. Raises ImportStringError when it can't be imported.
    """

    def __init__(
        self,
        name: str,
        target: str,
        *,
        max_body: int | None = None,
        around: Callable[[ASGIApp, Sequence[Endpoint]], ASGIApp] | None = None,
    ) -> None:
        self.name = name
        self.target = target
        self.declared = _instance(target)
        self._app: ASGIApp = self.declared
        self.surroundings: ASGIApp | None = None
        if around is not None:
            self._app = self.surroundings = around(self.declared, self.endpoints() or [])
        if max_body is not None:
            self._app = RequestBodyLimitMiddleware(self._app, max_body_size=max_body)
        self.entry = self._app
        self._lifespan = Lifespan(self.declared)

    def __repr__(self) -> str:
        return f"ServiceUpstream({self.name!r}, {self.target!r})"

    async def startup(self) -> None:
        """Run the application's startup. Raises LifespanError."""
        await self._lifespan.startup()
        if self._lifespan.state:  # what the application yielded from its lifespan belongs to its requests
            self.entry = self._with_state

    async def shutdown(self) -> None:
        """Run the application's shutdown. Raises LifespanError."""
        await self._lifespan.shutdown()

    async def _with_state(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._lifespan.share(scope)
        await self._app(scope, receive, send)

    def endpoints(self) -> list[Endpoint] | None:
        """What the application declares; None when it can't be asked (it is neither FastAPI nor Starlette)."""
        return declared_endpoints(self.declared)


def _instance(target: str) -> Any:
    found = import_from_string(target)
    if inspect.isfunction(found) and not inspect.signature(found).parameters:
        try:
            found = found()
        except Exception as exc:
            raise ImportStringError(f"calling the factory {target} failed: {type(exc).__name__}: {exc}") from exc
    if not callable(found):
        raise ImportStringError(f"{target} is {type(found).__name__}, not an ASGI application")
    return found


def unwrapped(app: Any) -> Any:
    """The application that ASGI middleware is wrapped around, or `app` itself."""
    while not hasattr(app, "routes") and callable(getattr(app, "app", None)):
        app = app.app
    return app


def declared_endpoints(app: Any) -> list[Endpoint] | None:
    """The endpoints of a FastAPI or Starlette application, mounted ones included; None for any other."""
    app = unwrapped(app)
    if not hasattr(app, "routes"):
        return None
    endpoints = list(_walk(app.routes, ""))
    root_path = getattr(app, "root_path", "").rstrip("/")
    if root_path:  # FastAPI(root_path="/v1") answers on /items and on /v1/items
        endpoints += [replace(endpoint, path=root_path + endpoint.path) for endpoint in endpoints]
    return endpoints


def _walk(routes: Sequence[BaseRoute], prefix: str) -> Iterator[Endpoint]:
    # FastAPI keeps included routers as nested objects; its own iteration unfolds them, and leaves
    # plain Starlette routes as they are.
    from fastapi.routing import iter_route_contexts

    for context in iter_route_contexts(routes):
        route, path = context.original_route, context.path
        if path is None or isinstance(route, Host):
            continue  # what a Host route answers depends on more than path and method
        convertors = _own_convertors(path)
        if isinstance(route, Mount):
            yield from _mounted(route, prefix + path.rstrip("/"), convertors)
        elif isinstance(route, WebSocketRoute):
            methods = frozenset({"WEBSOCKET"})
            yield Endpoint(prefix + path, methods, False, convertors, route.endpoint, _dependencies(context))
        else:
            methods = frozenset(context.methods or {ANY})
            function = getattr(route, "endpoint", None)
            yield Endpoint(prefix + path, methods, False, convertors, function, _dependencies(context))


def _dependencies(route: Any) -> tuple[Callable[..., object], ...]:
    """What FastAPI calls before the endpoint: dependencies of application, routers and endpoint, and their own."""
    return tuple(_calls(getattr(route, "dependant", None)))


def _calls(dependant: Any) -> Iterator[Callable[..., object]]:
    for dependency in getattr(dependant, "dependencies", ()):
        yield dependency.call
        yield from _calls(dependency)


def _mounted(mount: Mount, path: str, convertors: tuple[tuple[str, str], ...]) -> Iterator[Endpoint]:
    inner = declared_endpoints(mount.app)
    if inner is None:  # static files, or another application that can't be asked
        yield Endpoint(path or "/", frozenset({ANY}), tree=True, convertors=convertors)
        return
    for endpoint in inner:
        yield replace(endpoint, path=path + endpoint.path, convertors=convertors + endpoint.convertors)


def _own_convertors(path: str) -> tuple[tuple[str, str], ...]:
    """Those of the path's convertors that somebody registered with Starlette."""
    own = CONVERTOR_TYPES.keys() - _KNOWN_CONVERTORS
    return tuple((name, CONVERTOR_TYPES[name].regex) for name in sorted(own) if f":{name}}}" in path)
