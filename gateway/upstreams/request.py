"""The requests that Django gets, and what is other about one that is a mirror."""

from __future__ import annotations

from typing import IO, Any

from django.contrib.sessions.backends.base import SessionBase
from django.core.handlers.asgi import ASGIRequest
from starlette.types import Scope

from gateway.upstreams.base import MIRROR

__all__ = ["GatewayRequest", "asgi_request_of", "request_of"]


class GatewayRequest(ASGIRequest):
    """Django's request for ASGI, with what code written for WSGI looks for."""

    def __init__(self, scope: Scope, body_file: IO[bytes]) -> None:
        super().__init__(scope, body_file)
        self.META["wsgi.url_scheme"] = scope.get("scheme", "http")

    @property
    def environ(self) -> dict[str, Any]:
        """`WSGIRequest.environ` is `META` too."""
        return self.META


class _StoresNoSession:
    """A request that is a mirror: nothing that it does to the session is stored.

    Its caller was answered, and may be writing to the session by now: what the mirror has read would take that back.
    Sessions are stored whole.
    """

    @property
    def session(self) -> Any:
        """What SessionMiddleware has set. Raises AttributeError before that, as an attribute would."""
        try:
            return self.__dict__["session"]
        except KeyError:
            raise AttributeError("session") from None

    @session.setter
    def session(self, store: Any) -> None:
        if isinstance(store, SessionBase):
            for name in ("save", "create", "delete"):  # all else that changes what is stored calls these
                setattr(store, name, _store_nothing)
                setattr(store, f"a{name}", _astore_nothing)
        self.__dict__["session"] = store


def _store_nothing(*_args: object, **_kwargs: object) -> None:
    """Instead of storing or deleting a session."""


async def _astore_nothing(*_args: object, **_kwargs: object) -> None:
    """The same, asynchronously."""


class _Mirror(_StoresNoSession, GatewayRequest):
    """For synchronous chains, and for those around services."""


class _AsyncMirror(_StoresNoSession, ASGIRequest):
    """For Django's own handler."""


def request_of(scope: Scope, body: IO[bytes]) -> GatewayRequest:
    """The request that a scope is. Raises UnicodeDecodeError as Django's does."""
    return (_Mirror if MIRROR in scope else GatewayRequest)(scope, body)


def asgi_request_of(scope: Scope, body: IO[bytes]) -> ASGIRequest:
    """The same for Django's own handler."""
    return (_AsyncMirror if MIRROR in scope else ASGIRequest)(scope, body)
