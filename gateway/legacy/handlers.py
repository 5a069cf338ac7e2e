"""Django's own handlers, created by Django's functions: monitoring must be able to wrap what is called.

Agents and tracers wrap `get_wsgi_application`, `get_asgi_application`, `WSGIHandler.__call__`, `ASGIHandler.__call__`,
`BaseHandler.get_response` and `load_middleware`, and receive `request_started` and `request_finished`, whose sender
is the handler's class (docs/monitoring.md). So the gateway has no handler class of its own for what Django serves, and
a service's chain is entered through Django's function and through `__call__` too.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable
from functools import partial
from typing import IO, Any, cast

from django.core import signals
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from starlette.types import Scope

from gateway.compat.asgiref import adopt
from gateway.compat.django import wsgi_application_around
from gateway.legacy.loading import Ways
from gateway.legacy.remote_user import in_their_ways
from gateway.legacy.request import asgi_request_of, request_of
from gateway.stats.traffic import ROUTE

__all__ = [
    "STREAMED",
    "WSGIApp",
    "asgi_handler",
    "note_contexts",
    "request_in_context",
    "wsgi_application",
]

WSGIApp = Callable[[dict[str, Any], Callable[..., None]], Iterable[bytes]]

# Key of a scope: the context that receivers of request_started have set up.
STARTED = "gateway.started"
# Key of a scope: Django's streaming response, and the context that it was made in.
STREAMED = "gateway.streamed"


def wsgi_application(ways: Ways) -> WSGIApp:
    """The result of `get_wsgi_application`, for environs made by the gateway."""
    return cast("WSGIApp", wsgi_application_around(partial(_wsgi_handler, ways)))


def asgi_handler(ways: Ways) -> ASGIHandler:
    """Django's own handler for asynchronous views."""
    note_contexts()
    with in_their_ways(ways):
        handler = ASGIHandler()
    handler.request_class = request_in_context  # type: ignore[assignment] # called as the class would be
    handler.get_response_async = partial(_noted_async, handler)  # type: ignore[method-assign]
    return handler


def note_contexts() -> None:
    """Keep the context variables that receivers of `request_started` set, for `request_in_context`.

    Agents keep their transaction in a context variable. Django's asynchronous handler sends the signal in a task of its
    own, so the variable would not be visible to the rest of the request, as it is under WSGI.
    """
    signals.request_started.disconnect(_note_context, sender=ASGIHandler)
    signals.request_started.connect(_note_context, sender=ASGIHandler)  # after all that apps have connected


def _note_context(scope: Scope, **_: object) -> None:
    scope[STARTED] = contextvars.copy_context()


def request_in_context(scope: Scope, body: IO[bytes]) -> ASGIRequest:
    """The request for asynchronous chains, once `request_started` has been sent. Raises UnicodeDecodeError."""
    if (context := scope.pop(STARTED, None)) is not None:
        adopt(context)
    return asgi_request_of(scope, body)


def _wsgi_handler(ways: Ways) -> WSGIHandler:
    with in_their_ways(ways):
        handler = WSGIHandler()
    handler.request_class = request_of  # type: ignore[assignment] # called as the class would be
    handler.get_response = partial(_noted, handler)  # type: ignore[method-assign]
    return handler


def _noted(handler: WSGIHandler, request: HttpRequest) -> HttpResponseBase:
    """`handler.get_response`, which also records that the response is Django's, and whether it is a stream: code that
    wraps the handler may return another object, which can only be iterated. The event loop sends files and asynchronous
    streams without a thread."""
    response = WSGIHandler.get_response(handler, request)
    scope: Scope = request.scope  # type: ignore[attr-defined] # a GatewayRequest
    if (match := request.resolver_match) is not None:
        scope.setdefault(ROUTE, match.route)  # a view may have set UNCOUNTED
    if response.streaming:
        scope[STREAMED] = response, contextvars.copy_context()
    return response


async def _noted_async(handler: ASGIHandler, request: HttpRequest) -> HttpResponseBase:
    """`handler.get_response_async`, which also records that the response is Django's."""
    response = await ASGIHandler.get_response_async(handler, request)
    if (match := request.resolver_match) is not None:
        request.scope.setdefault(ROUTE, match.route)  # type: ignore[attr-defined] # an ASGIRequest
    return response
