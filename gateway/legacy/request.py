"""The request objects that Django gets."""

from __future__ import annotations

from typing import IO, Any

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import parse_cookie
from starlette.types import Scope

from gateway.compat.django import set_body
from gateway.context.recording import note_request
from gateway.legacy.environ import SCOPE, add_wsgi

__all__ = ["GatewayRequest", "asgi_request_of", "request_of"]


class GatewayRequest(WSGIRequest):
    """Django's request for WSGI, with the scope that it was made from."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        # The whole body, which ends where the file ends: no need to limit it to Content-Length, which may be absent.
        set_body(self, environ["wsgi.input"])
        # As `ASGIRequest.scope`. On the object and not on its class, which a middleware may change (pghistory's does).
        self.scope: Scope = environ[SCOPE]
        note_request(self)

    def close(self) -> None:
        """Close the body too, as `ASGIRequest` does."""
        super().close()
        self.environ["wsgi.input"].close()


def request_of(environ: dict[str, Any]) -> GatewayRequest:
    """The request for synchronous chains."""
    return GatewayRequest(environ)


def asgi_request_of(scope: Scope, body: IO[bytes]) -> ASGIRequest:
    """The request for asynchronous chains, with the keys that code written for WSGI looks for, and the same cookies as
    in synchronous chains. Raises UnicodeDecodeError as Django does."""
    request = ASGIRequest(scope, body)
    cookies: str = request.META.get("HTTP_COOKIE", "")
    if not cookies.isascii():  # as WSGIRequest; read as latin-1, a session key may end with a space, which is cut off
        request.COOKIES = parse_cookie(cookies.encode("latin-1").decode("utf-8", "replace"))
    add_wsgi(request.META, scope)
    request.environ = request.META  # type: ignore[attr-defined] # as WSGIRequest
    note_request(request)
    return request
