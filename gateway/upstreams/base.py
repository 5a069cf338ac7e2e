"""What every upstream has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from starlette.types import ASGIApp, Scope

from gateway.rollout.cohort import Caller
from gateway.routing.request import RequestInfo
from gateway.routing.table import Contest, Endpoint, Match

__all__ = ["Legacy", "ProxySettings", "Service", "Upstream"]


class Upstream(Protocol):
    """Whatever can answer a request: an ASGI 3 application, `entry`, with a name and a lifespan."""

    name: str
    max_body: int | None  # bytes of a request's body; None where it takes any

    @property
    def entry(self) -> ASGIApp:
        """Answers one request or serves one socket; may change the scope it is given."""

    async def startup(self) -> None:
        """Get ready; raises when it can't. Called once, before the first request."""

    async def shutdown(self) -> None:
        """Let go of everything. Called once, after the last request."""


class Service(Upstream, Protocol):
    """A new application, in this process or elsewhere."""

    def endpoints(self) -> Sequence[Endpoint] | None:
        """What it declares; None when it can't be asked."""


class ProxySettings(Protocol):
    """How a project reads what a proxy in front says of a request. Each is given the lines of its headers, and gives
    None where the project goes by the connection and the Host header."""

    @property
    def names(self) -> frozenset[bytes]:
        """The headers that are read."""

    def scheme(self, lines: Iterable[tuple[bytes, bytes]]) -> tuple[str, tuple[bytes, bytes]] | None:
        """ "http" or "https", and the line that the project is to find it in."""

    def host(self, lines: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """The host, perhaps with a port."""

    def port(self, lines: Iterable[tuple[bytes, bytes]]) -> int | None:
        """The port."""


class Legacy(Upstream, Protocol):
    """The Django project, or whatever else was there before."""

    refused: Callable[[int], object]  # told the status of each request that it had no thread for

    @property
    def sockets(self) -> bool:
        """Whether it serves WebSockets."""

    @property
    def script_name(self) -> str:
        """The path it says it is served under, or ""."""

    @property
    def session_cookie(self) -> bytes:
        """The name of its session cookie."""

    @property
    def secrets(self) -> Sequence[str | bytes]:
        """To sign with the first, and to verify with any; none where it has no such thing."""

    @property
    def kept_cookies(self) -> Sequence[bytes]:
        """Names of cookies that say nothing of who a caller is, and are recorded."""

    @property
    def busy(self) -> bool:
        """Whether requests wait for it."""

    async def unreachable_stores(self) -> str | None:
        """Which of the stores that it leans on can't be reached now, in words. Raises nothing."""

    async def caller(self, match: Match, info: RequestInfo, scope: Scope) -> Caller | None:
        """Who sent a request that a route claims; None when that can't be found out now. Raises nothing."""

    def known_user(self, request: object) -> tuple[str, str | None] | None:
        """The kind of user ("anonymous", "user", "staff", "superuser") and the primary key as text that the project has
        found a request to be of, `request` being its own object for it; None where it has asked nobody."""

    def allows_host(self, host: bytes) -> bool:
        """Whether the project answers for `host`, which may have a port."""

    @property
    def proxy_settings(self) -> ProxySettings | None:
        """How the project reads what a proxy says; None where it reads nothing of it."""

    def knows(self, path: str) -> bool | None:
        """Whether its URLconf has `path`; None when it can't be asked."""

    @property
    def urls(self) -> object:
        """What `contest` goes by: another object when the settings name another URLconf, which tests do."""

    def contest(self, endpoint: Endpoint) -> Contest | None:
        """Which paths that the template of a service's `endpoint` takes in are another view's; None where none is."""

    def trusts_origin(self, origin: bytes) -> bool:
        """Whether a page of `origin` ("https://host") may act for its visitor here."""
