"""A service in this process: an ASGI application and its declared endpoints."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.dispatch.scope import ADAPTED
from gateway.routing.paths import Paths
from gateway.routing.table import EndpointPattern
from gateway.upstreams.importing import ImportStringError, import_from_string
from gateway.upstreams.introspection import declared_endpoints, unwrapped
from gateway.upstreams.lifespan import Lifespan

__all__ = ["ServiceUpstream", "is_async"]


class ServiceUpstream:
    """An ASGI application in this process. `target` is its "package.module:attribute"; if it names a factory, that is
    called.

    `around` wraps the application. Raises ImportStringError when it can't be imported.
    """

    def __init__(
        self,
        name: str,
        target: str,
        *,
        max_body: int | None = None,
        around: Callable[[ASGIApp, Sequence[EndpointPattern]], ASGIApp] | None = None,
    ) -> None:
        self.name = name
        self.max_body = max_body
        self.target = target
        self.declared = _instance(target)
        self._app: ASGIApp = self.declared
        adapt(self.declared)
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
        if self._lifespan.state:  # what the lifespan yielded is passed to requests
            self.entry = self._with_state

    async def shutdown(self) -> None:
        """Run the application's shutdown. Raises LifespanError."""
        await self._lifespan.shutdown()

    async def _with_state(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._lifespan.share(scope)
        await self._app(scope, receive, send)

    def endpoints(self) -> list[EndpointPattern] | None:
        """The endpoints that the application declares; None when it is neither FastAPI nor Starlette."""
        return declared_endpoints(self.declared)


class Adapter(BaseRoute):
    """The first route of an application, for methods that its endpoints lack (`gateway.dispatch.scope.ADAPTED`).

    A HEAD that isn't declared is served by its GET, but only the endpoint is called with GET: the application's own
    middleware sees HEAD. And where the first template that matches a path lacks a method, no later template is tried,
    as in Django.
    """

    def __init__(self, routes: Sequence[BaseRoute], paths: Paths) -> None:
        self._routes = routes
        self._paths = paths

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Full for a request that needs adapting, when the application's router calls this."""
        if ADAPTED not in scope or "router" not in scope:  # without "router", a middleware looks up the endpoint
            return NO_MATCH
        adapted, method = scope[ADAPTED], scope["method"]
        if adapted.undeclared and method != "OPTIONS":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if (declared := self._paths.refused(path, method)) is not None:
                return Match.FULL, {DECLARED: declared}
        if method == "HEAD" and adapted.head_as_get:
            for route in self._routes:
                if route is not self:
                    match, child = route.matches({**scope, "method": "GET"})
                    if match is Match.FULL:
                        return match, {**child, FOUND: route}
        return NO_MATCH

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the endpoint. Raises HTTPException 405 where there is none."""
        if (declared := scope.pop(DECLARED, None)) is not None:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(declared))})
        route: BaseRoute = scope.pop(FOUND)
        scope.setdefault("route", route)
        if scope["route"] is self:
            scope["route"] = route
        await route.handle({**scope, "method": "GET"}, receive, send)


NO_MATCH: tuple[Match, Scope] = (Match.NONE, {})
DECLARED, FOUND = "gateway.declared", "gateway.found"  # keys that Adapter sets in the scope


def adapt(app: Any) -> None:
    """Put an Adapter in front of the routes of `app`, if it has routes and no Adapter yet."""
    found = unwrapped(app)
    routes = getattr(getattr(found, "router", found), "routes", None)
    if isinstance(routes, list) and not any(isinstance(route, Adapter) for route in routes):
        routes.insert(0, Adapter(routes, Paths(declared_endpoints(app) or ())))


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


def is_async(endpoint: Callable[..., Any]) -> bool:
    """Whether `endpoint` runs on the event loop: a coroutine function, or an object whose `__call__` is one."""
    call = endpoint if inspect.isroutine(endpoint) else getattr(endpoint, "__call__", endpoint)  # noqa: B004
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)
