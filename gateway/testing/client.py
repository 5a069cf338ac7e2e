"""`django.test.Client` and `AsyncClient`, through the gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from http.client import responses
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandlerMixin
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import got_request_exception
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client
from django.test.client import AsyncClientHandler, ClientHandler, FakePayload, conditional_content_removal
from starlette.types import Scope

from gateway.compat.django import take_body
from gateway.testing.client_call import ClientCall, current
from gateway.testing.environ import body_of, response_of, scope_as_sent, scope_of, unsendable
from gateway.testing.live import LiveAnswer, running

__all__ = [
    "GatewayAsyncClient",
    "GatewayAsyncHandler",
    "GatewayClient",
    "GatewayHandler",
    "through_gateway",
]


class GatewayHandler(ClientHandler):
    """The handler of a test client: the gateway, instead of Django alone."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        """The response to one request. Raises what Django's own handler doesn't handle."""
        return _through(self, environ)


class GatewayAsyncHandler(AsyncClientHandler):
    """As GatewayHandler, for AsyncClient."""

    async def __call__(self, scope: Scope) -> Any:
        """The response to one request. Raises what Django's own handler doesn't handle."""
        return await _through_async(self, scope)


class GatewayClient(Client):
    """`django.test.Client`, whose requests go through the gateway.

    Everything works as Django documents it, including transactions that are rolled back. Responses also have
    `served_by`: the name of the upstream, or None if the gateway itself refused. If a service answered without the
    project's middleware, there is no request of Django's: `response.wsgi_request` is then made from what was sent.
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
    """In this block every test client in this process that calls Django calls the gateway instead.

    That applies to Django's own clients and those derived from them, REST framework's included, and to callers of a
    `WSGIHandler`: webtest, REST framework's RequestsClient, `httpx.WSGITransport`. LiveServerTestCase has a server, and
    is not affected.
    """
    _lead()
    _Ways.open += 1
    try:
        yield
    finally:
        _Ways.open -= 1


class _Ways:
    """The number of open blocks of `through_gateway`. Patches stay afterwards: others may have wrapped them
    meanwhile."""

    open = 0


def _lead() -> None:
    """Patch Django's handlers to call the gateway while a block is open."""
    if hasattr(ClientHandler.__call__, "leads_to_the_gateway"):
        return
    ClientHandler.__call__ = _led(ClientHandler.__call__, _through)  # type: ignore[method-assign]
    AsyncClientHandler.__call__ = _led(AsyncClientHandler.__call__, _through_async)  # type: ignore[method-assign]
    WSGIHandler.__call__ = _led(WSGIHandler.__call__, _through_wsgi, _is_asked_by_a_test)  # type: ignore[method-assign]


def _led(original: Any, through: Any, when: Callable[..., bool] = lambda *_: True) -> Any:
    @wraps(original)
    def call(handler: Any, *arguments: Any) -> Any:
        return (through if _Ways.open and when(handler, *arguments) else original)(handler, *arguments)

    call.leads_to_the_gateway = True  # type: ignore[attr-defined]
    return call


def _is_asked_by_a_test(handler: WSGIHandler, environ: dict[str, Any], _: object = None) -> bool:
    """False for calls by the gateway, by a server (which identifies itself), and for static files' handler."""
    return current() is None and "SERVER_SOFTWARE" not in environ and not isinstance(handler, StaticFilesHandlerMixin)


def _through(handler: ClientHandler, environ: dict[str, Any]) -> HttpResponseBase:
    asked, body, answer = _asked(handler, environ)
    response = _found(handler, asked, answer)
    if asked.request is None:
        asked.request = WSGIRequest({**environ, "wsgi.input": FakePayload(body)})
    response.wsgi_request = asked.request  # type: ignore[attr-defined] # as Django's handler does
    conditional_content_removal(WSGIRequest(environ), response)  # as a server does, for HEAD for example
    return response


def _through_wsgi(handler: WSGIHandler, environ: dict[str, Any], start_response: Any) -> list[bytes]:
    asked, _, answer = _asked(handler, environ)
    if asked.escaped is not None:
        raise asked.escaped
    if asked.failure is not None and settings.DEBUG_PROPAGATE_EXCEPTIONS:  # as for a view
        raise asked.failure
    headers = [(name.decode("latin-1").title(), value.decode("latin-1")) for name, value in answer.headers]
    start_response(f"{answer.status} {responses.get(answer.status, 'Unknown')}", headers)
    return answer.chunks


def _asked(handler: ClientHandler | WSGIHandler, environ: dict[str, Any]) -> tuple[ClientCall, bytes, LiveAnswer]:
    """Send the request that `environ` describes through the gateway: the call, the body, the response."""
    live = running()
    live.refresh(handler)
    asked = ClientCall(handler if isinstance(handler, ClientHandler) else None, unsendable(environ))
    body = body_of(environ)
    answer = live.ask(scope_of(environ), body, asked)
    asked.leave_active()
    return asked, body, answer


async def _through_async(handler: AsyncClientHandler, scope: Scope) -> HttpResponseBase:
    live = running()
    live.refresh(handler)
    scope = {**scope}
    file = take_body(scope)
    sent, unsent = scope_as_sent(scope)
    asked = ClientCall(handler, unsent)
    answer = await live.aask(sent, file.read() if file else b"", asked)
    response = _found(handler, asked, answer)
    response.asgi_request = asked.request  # type: ignore[attr-defined] # as Django's handler does
    if asked.request is not None:
        conditional_content_removal(asked.request, response)
    return response


def _found(handler: ClientHandler | AsyncClientHandler, asked: ClientCall, answer: LiveAnswer) -> HttpResponseBase:
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
