"""Any WSGI application in the place of the Django project, through a2wsgi."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from a2wsgi import WSGIMiddleware
from starlette.types import Receive, Scope, Send

from gateway.rollout.cohort import NOBODY_KNOWN, Caller
from gateway.rollout.decision import LEGACY
from gateway.upstreams.base import in_ascii

__all__ = ["WSGIUpstream"]


class WSGIUpstream:
    """`app` is the WSGI application; `threads` is how many requests it answers at once."""

    name = LEGACY
    sockets = False
    script_name = ""
    session_cookie = b""
    secrets: Sequence[str | bytes] = ()
    busy = False  # its threads can't be asked

    def __init__(self, app: Any, *, threads: int = 40) -> None:
        self.app = app
        self._asgi = WSGIMiddleware(app, workers=threads)

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
        await self._asgi(scope, receive, send)  # type: ignore[arg-type] # a2wsgi spells ASGI's types its own way

    async def caller(self, headers: Mapping[bytes, bytes]) -> Caller | None:  # noqa: ARG002
        """Nobody: WSGI has no notion of users."""
        return NOBODY_KNOWN

    def allows_host(self, host: bytes) -> bool:  # noqa: ARG002
        """True: WSGI has no notion of allowed hosts."""
        return True

    def forwarded_host(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:  # noqa: ARG002
        """None: WSGI takes the host from the Host header."""
        return None

    def knows(self, path: str) -> bool | None:  # noqa: ARG002
        """None: a WSGI application can't be asked for its URLs."""
        return None

    def trusts_origin(self, origin: bytes) -> bool:  # noqa: ARG002
        """False: only pages of the same host are trusted."""
        return False
