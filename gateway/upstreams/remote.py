"""A remote service, reached over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast
from urllib.parse import quote, unquote

import httpx
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.context.mirror_scope import among_callers
from gateway.context.recording import recorder
from gateway.dispatch.disconnect import until_gone
from gateway.dispatch.errors import ClientGone, UpstreamError
from gateway.dispatch.scope import MIRROR, REQUEST_ID, authority, in_ascii
from gateway.routing.table import EndpointPattern

__all__ = ["RemoteUpstream"]

# Headers of one connection (RFC 9110, section 7.6.1), which are not passed on.
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)
# Headers that a caller's Connection header can't remove: they are meant for the service, or set by the gateway.
KEPT = frozenset(b"host content-length cookie authorization".split())
# Headers about the request's way, which the gateway replaces by its own X-Forwarded-….
HEARSAY = (b"x-forwarded-", b"forwarded", b"x-real-ip", b"x-gateway-mirror")
# Except those in which a proxy names the user (oauth2-proxy's names): the Django project gets them too.
WHO = frozenset(
    b"x-forwarded-" + name for name in (b"user", b"email", b"groups", b"preferred-username", b"access-token")
)


class RemoteUpstream:
    """An HTTP server at `url`. It must start its response within `timeout` seconds."""

    def __init__(self, name: str, url: str, *, timeout: float = 30.0, max_body: int | None = None) -> None:
        self.name = name
        self.max_body = max_body
        self.url = httpx.URL(url)
        self._timeout = httpx.Timeout(timeout, connect=min(timeout, 5.0))
        self._client: httpx.AsyncClient | None = None
        self._app: ASGIApp = self._forward
        if max_body is not None:
            self._app = RequestBodyLimitMiddleware(self._forward, max_body_size=max_body)

    def __repr__(self) -> str:
        return f"RemoteUpstream({self.name!r}, {str(self.url)!r})"

    async def startup(self) -> None:
        """Open the connection pool. The server need not be running yet."""
        # Shorter than the server's keep-alive, or a request may be sent on a connection that is just being closed:
        # gunicorn closes idle ones after 2 seconds, uvicorn and Node.js after 5.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=1.5)
        # trust_env=False: a proxy configured for the machine's own traffic must not see our callers'.
        self._client = httpx.AsyncClient(limits=limits, trust_env=False, cookies=_no_cookies())

    async def shutdown(self) -> None:
        """Close the connection pool."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def endpoints(self) -> list[EndpointPattern] | None:
        """None: a remote service isn't introspected."""
        return None

    async def entry(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the request on and the response back, both as streams.

        Raises UpstreamError: with status 502 or 504 when the server can't be reached or does not respond, with 400 or
        414 for a target that can't be sent on.
        """
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1011, "reason": "this service takes no sockets"})
            return
        if (noted := recorder.get()) is not None:
            noted.elsewhere = True
        with among_callers():  # the mirror is the remote request itself
            await self._app(scope, receive, send)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._client is None:
            await self.startup()  # the server runs the gateway without lifespan
        assert self._client is not None  # noqa: S101 - startup has just set it
        # Not `build_request`, which would add httpx's own headers to the caller's.
        timeout = self._timeout.as_dict()
        caller = _Caller(scope, receive)
        request = httpx.Request(
            scope["method"],
            self._target(scope),
            headers=self._headers(scope),
            content=caller.body() if await caller.has_body() else None,
            extensions={"timeout": timeout},
        )
        try:
            response = await self._answer(request, caller)
        except httpx.TimeoutException as exc:
            raise UpstreamError(504, f"{self.name} at {self.url} did not answer in time") from exc
        except httpx.TransportError as exc:
            raise UpstreamError(502, f"{self.name} at {self.url} can't be reached: {exc!r}") from exc
        try:
            timeout["read"] = None  # the response has started; its duration is not limited
            headers = _end_to_end(response.headers.raw)
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            await until_gone(receive, _relay(response, send))
        finally:
            await response.aclose()

    async def _answer(self, request: httpx.Request, caller: _Caller) -> httpx.Response:
        """The response, whose body is still to come. Raises ClientGone when the client disconnects before it starts."""
        client = cast("httpx.AsyncClient", self._client)
        answers: list[httpx.Response] = []

        async def send() -> None:
            answers.append(await client.send(request, stream=True, follow_redirects=False))

        if not await until_gone(caller.after_body, send()):
            raise ClientGone
        return answers[0]

    def _target(self, scope: Scope) -> httpx.URL:
        raw: bytes = (scope.get("raw_path") or b"").partition(b"?")[0]
        if not raw.startswith(b"/"):  # absent, or an absolute-form target
            raw = quote(scope["path"]).encode()
        if any(unquote(segment) in (".", "..") for segment in raw.decode("latin-1").split("/")):
            raise UpstreamError(400, "the path has dot segments")  # httpx would leave the URL's own path
        root = quote(scope.get("root_path", "")).encode()
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        while root and raw.startswith(root + b"/") and unquote(raw.decode("latin-1")) != path:
            raw = raw[len(root) :]  # the service gets it as X-Forwarded-Prefix; a server may have prepended it again
        target = self.url.raw_path.rstrip(b"/") + raw
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        try:
            return self.url.copy_with(raw_path=in_ascii(target))
        except httpx.InvalidURL as exc:  # the only problem that an ASCII target can have
            raise UpstreamError(414, f"the target is too long for {self.name}: {exc}") from exc

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        kept = KEPT | {scope.get(REQUEST_ID, b"")}
        headers = [
            line for line in _end_to_end(scope["headers"], kept) if line[0] in WHO or not line[0].startswith(HEARSAY)
        ]
        host = authority(scope)
        if not any(name == b"host" for name, _ in headers):
            headers.append((b"host", host))
        client = scope.get("client")
        if client:
            headers.append((b"x-forwarded-for", client[0].encode("latin-1")))
        headers.append((b"x-forwarded-proto", scope.get("scheme", "http").encode()))
        headers.append((b"x-forwarded-host", host))
        if (server := scope.get("server")) and server[1]:
            headers.append((b"x-forwarded-port", str(server[1]).encode()))
        if MIRROR in scope:
            headers.append((b"x-gateway-mirror", b"1"))
        if root_path := scope.get("root_path", ""):
            headers.append((b"x-forwarded-prefix", root_path.encode()))
        return headers


def _end_to_end(
    headers: Iterable[tuple[bytes, bytes]], kept: Container[bytes] = frozenset()
) -> list[tuple[bytes, bytes]]:
    """`headers` without those of one connection, which Connection names; those in `kept` stay even if it names them."""
    lines = [(name.lower(), value) for name, value in headers]
    named = {token.strip().lower() for name, value in lines if name == b"connection" for token in value.split(b",")}
    return [line for line in lines if line[0] not in HOP_BY_HOP and (line[0] not in named or line[0] in kept)]


def _no_cookies() -> CookieJar:
    """A cookie jar that stores nothing: one caller's cookies must never be sent with another's request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


async def _relay(response: httpx.Response, send: Send) -> None:
    async for chunk in response.aiter_raw():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Caller:
    """The sender of the request: first its body, if it has one, then whether it is still connected.

    In HTTP/1 the headers announce a body (RFC 9112, section 6.3). In HTTP/2 and 3 they need not (RFC 9113, section
    8.1), so the first message decides.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._announced = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
        self._may_be_silent = scope.get("http_version") in ("2", "3")
        self._receive = receive
        self._first: Message | None = None
        self._all_read = asyncio.Event()

    async def has_body(self) -> bool:
        """Whether there is a body to send on. Raises ClientGone when the client disconnects before that is known."""
        if self._announced:
            return True
        if self._may_be_silent:
            self._first = await self._next()
            if self._first.get("body") or self._first.get("more_body"):
                return True
        self._all_read.set()
        return False

    async def body(self) -> AsyncIterator[bytes]:
        """The body as a stream. Raises ClientGone when it breaks off."""
        more = True
        while more:
            message, self._first = self._first or await self._next(), None
            more = message.get("more_body", False)
            if not more:
                self._all_read.set()
            if body := message.get("body", b""):
                yield body

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message

    async def after_body(self) -> Message:
        """What comes after the body."""
        await self._all_read.wait()
        return await self._receive()
