"""The requests that Django gets."""

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
    """Django's request for WSGI, which also knows the scope that it was made of."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        # The whole body, and nothing behind it: no need to stop at its length, which a client needn't have said.
        set_body(self, environ["wsgi.input"])
        # As `ASGIRequest.scope`. Of the object, not of its class, which a middleware may change (pghistory's does).
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
    """The request for asynchronous chains, with what code written for WSGI looks for, and the cookies that synchronous
    chains have of it. Raises UnicodeDecodeError as Django's does."""
    request = ASGIRequest(scope, body)
    cookies: str = request.META.get("HTTP_COOKIE", "")
    if not cookies.isascii():  # as WSGIRequest. Read as latin-1, a session's key may end with a space that is cut off
        request.COOKIES = parse_cookie(cookies.encode("latin-1").decode("utf-8", "replace"))
    add_wsgi(request.META, scope)
    request.environ = request.META  # type: ignore[attr-defined] # as WSGIRequest
    note_request(request)
    return request
