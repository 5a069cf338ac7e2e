"""Any WSGI application instead of the Django project, through a2wsgi."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from a2wsgi import WSGIMiddleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import Receive, Scope, Send

from gateway.dispatch.scope import in_ascii
from gateway.legacy.environ import server_by_host
from gateway.rollout.cohort import NOBODY_KNOWN, Caller
from gateway.rollout.decision import LEGACY
from gateway.routing.table import Contest, EndpointPattern
from gateway.upstreams.base import Outcome, ProxySettings

__all__ = ["WSGIUpstream"]


class WSGIUpstream:
    """`app` is the WSGI application; `threads` is the number of requests that it answers at once. `django`: it is a
    Django project, whose settings are in force."""

    name = LEGACY
    sockets = False
    script_name = ""
    session_cookie = b""
    secrets: Sequence[str | bytes] = ()
    kept_cookies: Sequence[bytes] = ()
    refused: Callable[[int], object] = staticmethod(lambda _: None)  # a2wsgi has its own threads, and refuses nothing
    busy = False  # unknown: a2wsgi has its own threads

    def __init__(self, app: Any, *, threads: int = 40, django: bool = False, max_body: int | None = None) -> None:
        self.app = app
        self.max_body = max_body
        self.proxy_settings: ProxySettings | None = None
        self._is_allowed: Callable[[bytes], bool] | None = None
        self._is_trusted: Callable[[bytes], bool] | None = None
        if django:
            from gateway.legacy.proxy_settings import DjangoProxySettings, is_allowed, is_trusted

            self._is_allowed, self._is_trusted = is_allowed, is_trusted
            proxy_settings = DjangoProxySettings()
            self.proxy_settings = proxy_settings if proxy_settings.names else None
        self._asgi = WSGIMiddleware(app, workers=threads)
        app_in_asgi: Any = self._asgi  # it spells ASGI's types its own way
        self._limited: Any = app_in_asgi
        if max_body is not None:
            self._limited = RequestBodyLimitMiddleware(app_in_asgi, max_body_size=max_body)

    def __repr__(self) -> str:
        return f"WSGIUpstream({self.app!r})"

    async def startup(self) -> None:
        """Nothing to do: WSGI has no lifespan."""

    async def shutdown(self) -> None:
        """Nothing to do: WSGI has no lifespan."""

    async def entry(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        query: bytes = scope["query_string"]
        if not query.isascii():  # a2wsgi decodes it as ASCII
            scope = {**scope, "query_string": in_ascii(query)}
        server = scope.get("server")
        if not server or server[1] is None:  # a Unix socket, whose path is not a server name
            host = b",".join(value for name, value in scope["headers"] if name == b"host")
            scope = {**scope, "server": server_by_host(host.decode("latin-1"), scope.get("scheme", "http"))}
        if not scope.get("client"):  # a Unix socket has no address, but REMOTE_ADDR must be set (PEP 3333)
            scope = {**scope, "client": ("", 0)}
        await self._limited(scope, receive, send)

    def is_free_for(self, path: str) -> bool:  # noqa: ARG002
        """False: a2wsgi has its own way to its threads."""
        return False

    def begin(self, scope: Scope, body: bytes, on_outcome: Callable[[Outcome], None]) -> None:
        """Not to be called: `is_free_for` says so."""
        raise NotImplementedError

    async def finish(self, outcome: Outcome, scope: Scope, receive: Receive, send: Send) -> None:
        """Not to be called: nothing is begun."""
        raise NotImplementedError

    async def caller(self, *_: object, **__: object) -> Caller | None:
        """Nobody: WSGI has no notion of users."""
        return NOBODY_KNOWN

    async def unreachable_stores(self) -> str | None:
        """None: the stores of a WSGI application aren't known."""
        return None

    def known_user(self, request: object) -> tuple[str, str | None] | None:  # noqa: ARG002
        """None: WSGI has no notion of users."""
        return None

    def allows_host(self, host: bytes) -> bool:
        """Django's decision, or else True: WSGI has no notion of allowed hosts."""
        return self._is_allowed is None or self._is_allowed(host)

    def knows(self, path: str) -> bool | None:  # noqa: ARG002
        """None: the URLs of a WSGI application aren't known."""
        return None

    urls: object = None

    def contest(self, endpoint: EndpointPattern) -> Contest | None:  # noqa: ARG002
        """None: the URLs of a WSGI application aren't known."""
        return None

    def trusts_origin(self, origin: bytes) -> bool:
        """Django's decision, or else False: only pages of the same host are trusted."""
        return self._is_trusted is not None and self._is_trusted(origin)
