"""One request of a Django test client, and what Django made of it.

Django's client returns the view's response object, with the request that led to it; through the gateway there are only
bytes. So the gateway's handlers are observed: in `BaseHandler.get_response` each of Django's handlers turns a request
into a response, and so does the client's own.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import tzinfo
from functools import partial, wraps
from typing import Any

from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test.client import AsyncClientHandler, ClientHandler
from django.utils import timezone, translation

from gateway.compat.django import check_csrf

__all__ = ["ClientCall", "asking", "current", "watch_django"]

Respond = Callable[[HttpRequest], HttpResponseBase]


class ClientCall:
    """`handler` is the client's; `meta` is for `request.META`: values that can't be sent over HTTP.

    Afterwards `request` and `response` are Django's objects, if it took part; `served_by` is the upstream; `failure` is
    what a service raised; `escaped` what Django's handler did not turn into a response.
    """

    def __init__(self, handler: Any = None, meta: Mapping[str, Any] | None = None) -> None:
        self.handler = handler
        self.meta = meta or {}
        self.request: HttpRequest | None = None
        self.response: HttpResponseBase | None = None
        self.served_by: str | None = None
        self.failure: Exception | None = None
        self.escaped: BaseException | None = None
        self._left: Callable[[], None] = lambda: None
        self._respond: Respond | None = None

    def respond(self, request: HttpRequest) -> HttpResponseBase:
        """Called instead of `get_response` of the base class by the client's handler."""
        if self._respond is None:
            raise RuntimeError("the client's handler can only be called by the gateway")
        return self._respond(request)

    def pass_through(self, respond: Respond, request: HttpRequest) -> HttpResponseBase:
        """The response to `request`, by the gateway's handler (`respond`) inside the client's own.

        The client's may do something before or after, such as REST framework's `force_authenticate`.
        """
        self._prepare(request)
        self._respond = respond
        try:
            if isinstance(self.handler, ClientHandler):
                self.response = self.handler.get_response(request)
            else:
                self.response = respond(request)
        except BaseException as exc:
            self.escaped = exc
            raise
        finally:
            self._left = partial(_activate, translation.get_language(), timezone.get_current_timezone())
        return self.response

    def leave_active(self) -> None:
        """Activate the language and the time zone that the request left active, as Django's client does."""
        self._left()

    def prepare_async(self, request: HttpRequest) -> None:
        """Let the client's handler, which is synchronous, change `request` as it does before calling `get_response`."""
        self._prepare(request)
        self._respond = lambda _: HttpResponse()
        if isinstance(self.handler, ClientHandler):
            self.handler.get_response(request)

    def _prepare(self, request: HttpRequest) -> None:
        self.request = request
        request.META.update(self.meta)
        if self.handler is not None:  # as Django's clients set it
            check_csrf(request, check=self.handler.enforce_csrf_checks)


def _activate(language: str | None, zone: tzinfo) -> None:
    if language is None:
        translation.deactivate_all()
    elif language != translation.get_language():
        translation.activate(language)
    if zone != timezone.get_current_timezone():
        timezone.activate(zone)


_asked: contextvars.ContextVar[ClientCall | None] = contextvars.ContextVar("asked", default=None)


def current() -> ClientCall | None:
    """The call to which the running code belongs."""
    return _asked.get()


@contextmanager
def asking(asked: ClientCall) -> Iterator[None]:
    """Requests that are started in this block belong to `asked`."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


def watch_django() -> None:
    """Make Django's handlers report to the call they belong to, if any."""
    if not hasattr(BaseHandler.get_response, "__wrapped__"):
        BaseHandler.get_response = _watched(BaseHandler.get_response)  # type: ignore[method-assign]
        BaseHandler.get_response_async = _watched_async(BaseHandler.get_response_async)  # type: ignore[method-assign]


def _watched(original: Any) -> Any:
    @wraps(original)
    def get_response(self: BaseHandler, request: HttpRequest) -> HttpResponseBase:
        asked = _asked.get()
        if asked is not None and self is asked.handler:
            return asked.respond(request)
        if asked is None or isinstance(self, ClientHandler | AsyncClientHandler):
            return original(self, request)  # type: ignore[no-any-return]
        return asked.pass_through(partial(original, self), request)

    return get_response


def _watched_async(original: Any) -> Any:
    @wraps(original)
    async def get_response_async(self: BaseHandler, request: HttpRequest) -> HttpResponseBase:
        asked = _asked.get()
        if asked is None or isinstance(self, ClientHandler | AsyncClientHandler):
            return await original(self, request)  # type: ignore[no-any-return]
        asked.prepare_async(request)
        try:
            response: HttpResponseBase = await original(self, request)
        except BaseException as exc:
            asked.escaped = exc
            raise
        asked.response = response
        return response

    return get_response_async
