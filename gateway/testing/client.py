"""`django.test.Client` and `AsyncClient`, through the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import got_request_exception
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client
from django.test.client import AsyncClientHandler, ClientHandler, FakePayload, conditional_content_removal
from starlette.types import Scope

from gateway.testing.asked import Asked
from gateway.testing.environ import body_of, response_of, scope_of, unsendable
from gateway.testing.loop import Answer, running

__all__ = [
    "GatewayAsyncClient",
    "GatewayAsyncHandler",
    "GatewayClient",
    "GatewayHandler",
    "through_gateway",
]


class GatewayHandler(ClientHandler):
    """What a client asks: the gateway, instead of Django alone."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        """The response to one request; what Django's own handler lets out is raised."""
        return _through(self, environ)


class GatewayAsyncHandler(AsyncClientHandler):
    """As GatewayHandler, for AsyncClient."""

    async def __call__(self, scope: Scope) -> Any:
        """The response to one request; what Django's own handler lets out is raised."""
        return await _through_async(self, scope)


class GatewayClient(Client):
    """`django.test.Client`, whose requests go through the gateway.

    Everything is as Django documents it, rolled back transactions included. Responses have `served_by` too: the
    name of the upstream, or None where the gateway itself refused. For what a service answered without the
    project's middleware there is no request of Django's: `response.wsgi_request` is then made of what was sent.
    """

    def __init__(self, enforce_csrf_checks: bool = False, *args: Any, **kwargs: Any) -> None:
        super().__init__(enforce_csrf_checks, *args, **kwargs)
        self.handler = GatewayHandler(enforce_csrf_checks)


class GatewayAsyncClient(AsyncClient):
    """`django.test.AsyncClient`, whose requests go through the gateway; as GatewayClient."""

    def __init__(self, enforce_csrf_checks: bool = False, *args: Any, **kwargs: Any) -> None:
        super().__init__(enforce_csrf_checks, *args, **kwargs)
        self.handler = GatewayAsyncHandler(enforce_csrf_checks)


@contextmanager
def through_gateway() -> Iterator[None]:
    """In this block every client of Django's, and those derived from them, ask the gateway."""
    kept = ClientHandler.__call__, AsyncClientHandler.__call__
    ClientHandler.__call__ = _through  # type: ignore[method-assign, assignment]
    AsyncClientHandler.__call__ = _through_async  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        ClientHandler.__call__, AsyncClientHandler.__call__ = kept  # type: ignore[method-assign]


def _through(handler: ClientHandler, environ: dict[str, Any]) -> HttpResponseBase:
    live = running()
    live.refresh(handler)
    asked = Asked(handler, unsendable(environ))
    body = body_of(environ)
    answer = live.ask(scope_of(environ), body, asked)
    asked.leave_active()
    response = _found(handler, asked, answer)
    if asked.request is None:
        asked.request = WSGIRequest({**environ, "wsgi.input": FakePayload(body)})
    response.wsgi_request = asked.request  # type: ignore[attr-defined] # as Django's handler does
    conditional_content_removal(WSGIRequest(environ), response)  # which a server does, for HEAD for example
    return response


async def _through_async(handler: AsyncClientHandler, scope: Scope) -> HttpResponseBase:
    live = running()
    live.refresh(handler)
    asked = Asked(handler)
    scope = {**scope}
    file = scope.pop("_body_file", None)
    answer = await live.aask(_complete(scope), file.read() if file else b"", asked)
    response = _found(handler, asked, answer)
    response.asgi_request = asked.request  # type: ignore[attr-defined] # as Django's handler does
    if asked.request is not None:
        conditional_content_removal(asked.request, response)
    return response


def _complete(scope: Scope) -> Scope:
    """What a server would have made of the scope of AsyncClient."""
    path = scope["path"].encode("latin-1").decode("utf-8", "replace")
    query = scope.get("query_string", b"")
    host, port = scope["server"]
    return {
        **scope,
        "path": path,
        "root_path": scope.get("root_path", ""),
        "query_string": query.encode("latin-1") if isinstance(query, str) else query,
        "headers": [(name, value) for name, value in scope["headers"] if value],
        "server": (host, int(port)),
        "state": {},
    }


def _found(handler: ClientHandler | AsyncClientHandler, asked: Asked, answer: Answer) -> HttpResponseBase:
    if asked.escaped is not None:
        raise asked.escaped
    if asked.failure is not None:
        try:
            raise asked.failure
        except Exception:  # noqa: BLE001 - it is how a client is told of what a view raised
            got_request_exception.send(sender=type(handler), request=asked.request)
    response = response_of(answer, asked.response)
    response.served_by = asked.served_by  # type: ignore[attr-defined] # one attribute more than Django's
    return response
