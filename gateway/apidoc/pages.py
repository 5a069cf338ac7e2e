"""The document and its pages, as an ASGI application: the upstream of requests that the gateway itself answers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from mimetypes import guess_type
from pathlib import Path
from typing import NamedTuple

from starlette.requests import cookie_parser
from starlette.types import Receive, Scope, Send

from gateway.apidoc.assets import asset
from gateway.apidoc.paths import ASSET, DOCS, OPENAPI
from gateway.apidoc.published import ApiDocument
from gateway.dispatch.refusal import answer
from gateway.rollout.decision import NOBODY
from gateway.routing.table import Match
from gateway.snapshot import Snapshot
from gateway.types import Headers

__all__ = ["INSTALL", "Csrf", "Pages"]

INSTALL = 'pip install "django-fastapi-gateway[docs]"'
MISSING = f"Swagger UI and Redoc are not installed: {INSTALL}, then restart.\n"

# Nothing of other sites, and no script or style in the page itself. Swagger UI's style sheet has its icons in it; Redoc
# searches in a worker that it makes, and writes its style sheet at run time.
_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
_SWAGGER_UI = _POLICY + "style-src 'self'; img-src 'self' data:; form-action 'self'"
_REDOC = _POLICY + "style-src 'unsafe-inline'; img-src 'self' data:; worker-src blob:; form-action 'none'"
_HEAD = '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>API</title>\n'
_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">\n'


class Csrf(NamedTuple):
    """How the project expects the CSRF token: the names of its cookie and header, and whether scripts can't read the
    cookie."""

    cookie: str = "csrftoken"
    header: str = "X-CSRFToken"
    http_only: bool = False


class Reply(NamedTuple):
    """The body of a response, with its type, entity tag and further headers."""

    body: bytes
    kind: str
    etag: bytes
    headers: Headers


class Pages:
    """Answers requests for `paths`, which says what is at each. `snapshot` returns the one in force; `others`
    answers for all other pages of the gateway's own."""

    name = NOBODY
    max_body: int | None = None

    def __init__(
        self,
        paths: Mapping[str, tuple[str, str]],
        document: ApiDocument,
        snapshot: Callable[[], Snapshot],
        csrf: Callable[[], Csrf],
        openapi_path: str,
        others: Callable[[Scope, Receive, Send], Awaitable[None]],
    ) -> None:
        self._paths = paths
        self._document = document
        self._snapshot = snapshot
        self._csrf = csrf
        self._openapi = openapi_path
        self._others = others
        self._assets: dict[str, Reply] = {}

    async def startup(self) -> None:
        """Nothing is started: the document is made when it is asked for."""

    async def shutdown(self) -> None:
        """Nothing was started."""

    async def entry(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD of one of the paths."""
        match: Match = scope["gateway.match"]
        if match.template not in self._paths:
            await self._others(scope, receive, send)
            return
        kind, name = self._paths[match.template]
        reply = await self._reply(kind, name, match.template, scope)
        if reply is None:
            await answer(send, 501, MISSING)
        else:
            await _send(reply, scope, send)

    async def _reply(self, kind: str, name: str, path: str, scope: Scope) -> Reply | None:
        """What is at `path`; None where Swagger UI and Redoc are needed and not installed."""
        if kind == OPENAPI:
            return await self._openapi_reply(scope.get("root_path", ""))
        if kind == ASSET:
            return await self._asset(name)
        return await self._page(kind, path, scope)

    async def _openapi_reply(self, root: str) -> Reply:
        snapshot = self._snapshot()
        found = self._document.kept(snapshot, root)
        if found is None:
            found = await asyncio.to_thread(self._document.encoded, snapshot, root)
        return Reply(found.body, "application/json", found.etag, [])

    async def _asset(self, name: str) -> Reply | None:
        if name not in self._assets:
            path = asset(name)
            if path is None:
                return None
            self._assets[name] = await asyncio.to_thread(_read, path)
        return self._assets[name]

    async def _page(self, kind: str, path: str, scope: Scope) -> Reply | None:
        page, policy = (self._swagger_ui, _SWAGGER_UI) if kind == DOCS else (self._redoc, _REDOC)
        if await self._asset("swagger-ui-bundle.js" if kind == DOCS else "redoc.standalone.js") is None:
            return None
        root = scope.get("root_path", "")
        body = page(f"{root}{path.rstrip('/')}/", f"{root}{self._openapi}", scope).encode()
        headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"same-origin"),
        ]
        return Reply(body, "text/html; charset=utf-8", _etag(body), headers)

    def _swagger_ui(self, base: str, document: str, scope: Scope) -> str:
        csrf = self._csrf()
        token = _cookie(scope, csrf.cookie) if csrf.http_only else ""
        data = {
            "document": document,
            "csrf-cookie": csrf.cookie,
            "csrf-header": csrf.header,
            "csrf-token": token,
        }
        attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items() if value)
        return (
            f'{_HEAD}{_VIEWPORT}<link rel="stylesheet" href="{escape(base)}swagger-ui.css">\n</head>\n<body>\n'
            f'<div id="swagger-ui"></div>\n<script src="{escape(base)}swagger-ui-bundle.js"></script>\n'
            f'<script src="{escape(base)}start.js"{attributes}></script>\n</body>\n</html>\n'
        )

    def _redoc(self, base: str, document: str, _: Scope) -> str:
        return (
            f'{_HEAD}{_VIEWPORT}</head>\n<body>\n<redoc spec-url="{escape(document)}"></redoc>\n'
            f'<script src="{escape(base)}redoc.standalone.js"></script>\n</body>\n</html>\n'
        )


def _read(path: Path) -> Reply:
    body = path.read_bytes()
    kind = guess_type(path.name)[0] or "application/octet-stream"
    return Reply(body, f"{kind}; charset=utf-8", _etag(body), [])


def _etag(body: bytes) -> bytes:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()


def _cookie(scope: Scope, name: str) -> str:
    lines = b"; ".join(value for key, value in scope["headers"] if key == b"cookie")
    return cookie_parser(lines.decode("latin-1")).get(name, "")  # as Django does it


async def _send(reply: Reply, scope: Scope, send: Send) -> None:
    """Send the whole reply, or 304 if the caller has it. It may depend on the caller: no other gets it from a cache."""
    asked = b",".join(value for key, value in scope["headers"] if key == b"if-none-match")
    headers = [
        (b"etag", reply.etag),
        (b"cache-control", b"private, no-cache"),
        (b"vary", b"Cookie"),
        (b"x-content-type-options", b"nosniff"),
        *reply.headers,
    ]
    tags = [tag.strip().removeprefix(b"W/") for tag in asked.split(b",")]
    if reply.etag in tags or b"*" in tags:  # RFC 9110, section 13.1.2
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    headers += [(b"content-type", reply.kind.encode()), (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else reply.body
    await send({"type": "http.response.body", "body": body})
