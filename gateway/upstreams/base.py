"""The interface of upstreams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.rollout.cohort import Caller
from gateway.routing.request import RequestInfo
from gateway.routing.table import Contest, EndpointPattern, Match

__all__ = ["Legacy", "LegacyReply", "Outcome", "ProxySettings", "Service", "Upstream"]


class Upstream(Protocol):
    """What can answer a request: an ASGI 3 application, `entry`, with a name and a lifespan."""

    name: str
    max_body: int | None  # bytes of a request's body; None for no limit

    @property
    def entry(self) -> ASGIApp:
        """Answer one request or serve one WebSocket; may change the scope it is given."""

    async def startup(self) -> None:
        """Start. Raises when that fails. Called once, before the first request."""

    async def shutdown(self) -> None:
        """Release everything. Called once, after the last request."""


class Service(Upstream, Protocol):
    """A new application, in this process or remote."""

    def endpoints(self) -> Sequence[EndpointPattern] | None:
        """The endpoints that it declares; None when it can't be introspected."""


class ProxySettings(Protocol):
    """How a project reads the headers of a proxy in front. Each method gets the lines of these headers, and returns
    None where the project uses the connection and the Host header instead."""

    @property
    def names(self) -> frozenset[bytes]:
        """The headers that are read."""

    def scheme(self, lines: Iterable[tuple[bytes, bytes]]) -> tuple[str, tuple[bytes, bytes]] | None:
        """ "http" or "https", and the header line from which the project is to read it."""

    def host(self, lines: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """The host, possibly with a port."""

    def port(self, lines: Iterable[tuple[bytes, bytes]]) -> int | None:
        """The port."""


class LegacyReply(Protocol):
    """What the project answered: the start message of its response, and the content, or None if that isn't in
    memory."""

    @property
    def start(self) -> Message:
        """`http.response.start`."""

    @property
    def content(self) -> bytes | None:
        """The whole body, or None for a stream."""


Outcome = LegacyReply | Exception


class Legacy(Upstream, Protocol):
    """The Django project, or another application that was there before."""

    refused: Callable[[int], object]  # called with the status of each request for which there was no thread

    @property
    def sockets(self) -> bool:
        """Whether it serves WebSockets."""

    @property
    def script_name(self) -> str:
        """The path under which it says that it is served, or ""."""

    @property
    def session_cookie(self) -> bytes:
        """The name of its session cookie."""

    @property
    def secrets(self) -> Sequence[str | bytes]:
        """Secrets to sign with (the first) and to verify with (any of them); empty when it has none."""

    @property
    def kept_cookies(self) -> Sequence[bytes]:
        """Names of cookies that don't identify the caller, and so may be recorded."""

    @property
    def busy(self) -> bool:
        """Whether requests wait for a thread of it."""

    def is_free_for(self, path: str) -> bool:
        """Whether a request for `path` can be handed to a thread at once: `begin` may be called."""

    def begin(self, scope: Scope, body: bytes, on_outcome: Callable[[Outcome], None]) -> None:
        """Hand a request with this body to a thread. What comes of it, the reply or what the view raised, is passed to
        `on_outcome` on the event loop, and has to be passed to `finish`, unless it is a reply with `content`."""

    async def finish(self, outcome: Outcome, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the reply to a request that was begun. Raises what its view raised."""

    async def unreachable_stores(self) -> str | None:
        """Which of its databases and caches can't be reached now, in words; None when all can. Never raises."""

    async def caller(self, match: Match, info: RequestInfo, scope: Scope, *, remembered: bool = True) -> Caller | None:
        """Who sent a request; None when that can't be found out now. Never raises. `remembered`: what was found out a
        moment ago will do."""

    def known_user(self, request: object) -> tuple[str, str | None] | None:
        """The user of `request`, the project's own request object, if the project has determined it: the kind
        ("anonymous", "user", "staff" or "superuser") and the primary key as text. None if nothing has asked for the
        user."""

    def allows_host(self, host: bytes) -> bool:
        """Whether the project answers for `host`, which may contain a port."""

    @property
    def proxy_settings(self) -> ProxySettings | None:
        """How the project reads a proxy's headers; None when it reads none."""

    def knows(self, path: str) -> bool | None:
        """Whether its URLconf has `path`; None when it can't be asked."""

    @property
    def urls(self) -> object:
        """Identifies the URLconf that `contest` uses: another object when the settings name another one, as in
        tests."""

    def contest(self, endpoint: EndpointPattern) -> Contest | None:
        """The paths matched by the template of a service's `endpoint` that belong to other views; None when none do."""

    def trusts_origin(self, origin: bytes) -> bool:
        """Whether requests from a page of `origin` ("https://host") are trusted."""
