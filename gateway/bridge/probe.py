"""A synthetic request to try the project's middleware with. As for a mirror, shared resources are shielded, and the
databases are rolled back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.views.decorators.csrf import csrf_exempt

__all__ = ["Around", "probe_scope", "resolve_to_probe", "unlogged"]


@contextmanager
def unlogged() -> Iterator[None]:
    """While a synthetic request is made, nothing is logged but errors: in the project's log it would be a caller's. For
    the whole process, which is starting or checks its configuration, since middleware logs on any thread."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


def probe_scope(method: str) -> dict[str, Any]:
    """The scope of a request for the site's first page, from this machine."""
    named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    host = named[0] if named else "localhost"
    headers = [(b"host", host.encode())]
    if settings.SECURE_PROXY_SSL_HEADER:
        name, value = settings.SECURE_PROXY_SSL_HEADER
        headers.append((name.removeprefix("HTTP_").replace("_", "-").lower().encode(), value.encode()))
    return {
        "type": "http",
        "method": method,
        "scheme": "https",
        "path": "/",
        "query_string": b"",
        "headers": headers,
        "server": (host, 443),
        "client": ("127.0.0.1", 1),
    }


def resolve_to_probe(request: HttpRequest) -> ResolverMatch:
    """For a chain's `resolve_request`: always the same stand-in view."""
    request.resolver_match = ResolverMatch(_view, (), {}, route="")
    return request.resolver_match


@csrf_exempt
@login_not_required
def _view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class Around:
    """A middleware that is called through `call`; its other hooks are unchanged."""

    def __init__(self, middleware: Any, call: Callable[[HttpRequest], Any]) -> None:
        self._middleware = middleware
        self._call = call

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Any:
        """As the middleware's own."""
        return self._call(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._middleware, name)
