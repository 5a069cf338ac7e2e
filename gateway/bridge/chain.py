"""Django's own middleware chain, with a service instead of its views."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from django.core import signals
from django.core.exceptions import BadRequest, MiddlewareNotUsed
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler, get_script_name
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, set_script_prefix, set_urlconf
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.bridge.csrf import SAFE_METHODS, is_forgeable
from gateway.bridge.protocols import MiddlewareRun
from gateway.bridge.resolving import let_moved_paths_resolve
from gateway.compat.django import finish_as, loaded_as
from gateway.legacy.environ import environ_of
from gateway.legacy.handlers import request_in_context
from gateway.legacy.loading import Ways, capabilities, made
from gateway.legacy.request import request_of

__all__ = ["Chain", "MiddlewareEntry"]

logger = logging.getLogger("gateway.bridge")


class MiddlewareEntry:
    """One entry of MIDDLEWARE, and whether it was applied. `why` is the reason why not."""

    __slots__ = ("applied", "path", "why")

    def __init__(self, path: str, *, applied: bool, why: str = "") -> None:
        self.path = path
        self.applied = applied
        self.why = why

    def __repr__(self) -> str:
        return f"Entry({self.path!r}, {'applied' if self.applied else f'dropped: {self.why}'})"


class Chain(ASGIHandler):
    """The chain of one service. `chosen` are the entries to apply; None means all of settings.MIDDLEWARE.

    `current_run` returns the run of the current request. `serve` handles a request to the service; Django's `__call__`
    calls it, so that what monitoring wraps around a handler of Django's wraps it, too. `ways` say how each of the
    project's RemoteUserMiddleware reads its header.
    """

    request_class = staticmethod(request_in_context)  # type: ignore[assignment] # called as the class would be

    def __init__(
        self,
        chosen: Sequence[str] | None,
        current_run: Callable[[], MiddlewareRun],
        serve: ASGIApp,
        ways: Ways,
        *,
        is_async: bool = False,
    ) -> None:
        self._current_run = current_run
        self._serve = serve
        self.entries: list[MiddlewareEntry] = []
        with _recorded(chosen, self.entries, ways):
            self.load_middleware(is_async=is_async)
        let_moved_paths_resolve()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override] # stubs know other types for the same
        """Called by Django's `__call__`."""
        await self._serve(scope, receive, send)

    def respond(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """The response to one request from the synchronous chain, made as WSGIHandler makes it. Raises what the chain
        does not handle."""
        environ = environ_of(scope, body)
        set_script_prefix(get_script_name(environ))
        signals.request_started.send(sender=WSGIHandler, environ=environ)
        response = self.get_response(request_of(environ))
        finish_as(response, WSGIHandler)
        return response

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """The view that stands for the endpoint, in the place of Django's lookup in the URLconf.

        The CSRF check is left out, as for a view marked csrf_exempt, where the browser sends no credentials by itself,
        or where the endpoint makes the check. Raises BadRequest if a middleware has turned an unsafe method into a safe
        one: the service gets the original method."""
        scope = request.scope  # type: ignore[attr-defined] # a request of the gateway's
        if request.method in SAFE_METHODS and scope["method"].upper() not in SAFE_METHODS:
            raise BadRequest(f"a middleware takes {scope['method']} for {request.method}, which no service can know of")
        urlconf = None
        if hasattr(request, "urlconf"):
            urlconf = request.urlconf
            set_urlconf(urlconf)  # as Django does it here
            let_moved_paths_resolve(urlconf)
        view = self._current_run().view
        exempt = view.checks_csrf or not is_forgeable(request)
        request.resolver_match = view.resolved(request.path_info, urlconf, exempt=exempt)
        return request.resolver_match

    def process_exception_by_middleware(  # type: ignore[override] # the stubs leave out None, which Django's returns
        self, exception: Exception, request: HttpRequest
    ) -> HttpResponse | None:
        """The response that a middleware makes of the service's exception; else that of the service's own handler; None
        where there is neither."""
        response: HttpResponse | None = super().process_exception_by_middleware(exception, request)
        own = self._current_run().own_error
        if response is not None or own is None:
            return response
        signals.got_request_exception.send(sender=None, request=request)  # as for what Django answers itself
        logger.error("%s %s: the service failed", request.method, request.path, exc_info=exception)
        return own


@contextmanager
def _recorded(chosen: Sequence[str] | None, entries: list[MiddlewareEntry], ways: Ways) -> Iterator[None]:
    """During `load_middleware`: leave out what isn't chosen, and record in `entries` whether each entry is applied.
    Django itself leaves out a factory that raises MiddlewareNotUsed."""

    def recorded(path: str, middleware: Callable[..., Any]) -> Callable[..., Any]:
        def factory(get_response: Callable[..., Any]) -> Any:
            if chosen is not None and path not in chosen:
                entries.insert(0, MiddlewareEntry(path, applied=False, why="not chosen in the configuration"))
                raise MiddlewareNotUsed
            try:
                instance = made(path, middleware, get_response, ways)
            except MiddlewareNotUsed as exc:
                entries.insert(0, MiddlewareEntry(path, applied=False, why=str(exc) or "it says it is not used"))
                raise
            entries.insert(0, MiddlewareEntry(path, applied=True))
            return instance

        factory.sync_capable, factory.async_capable = capabilities(path, middleware, ways)  # type: ignore[attr-defined] # as Django reads it
        return factory

    with loaded_as(recorded):
        yield
