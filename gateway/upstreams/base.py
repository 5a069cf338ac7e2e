"""What every upstream has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import punctuation
from typing import Protocol
from urllib.parse import quote_from_bytes

from starlette.types import ASGIApp, Scope

from gateway.rollout.cohort import Caller
from gateway.routing.table import Endpoint

__all__ = [
    "ATTEMPT",
    "FILES",
    "MIRROR",
    "REQUEST_ID",
    "Attempt",
    "ClientGone",
    "Legacy",
    "Service",
    "Upstream",
    "UpstreamError",
    "in_ascii",
    "take_in_bytes",
]

# Where a scope says, for an upstream that hands the request on, which header the gateway put its identifier in.
REQUEST_ID = "gateway.request_id"
# With these an application lets the server send a file, where the scope's extensions offer it.
FILES = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
# A scope has this key where nobody will see the answer: the request is a mirror.
MIRROR = "gateway.mirror"
# Where a scope has the `Attempt` that a service in this process tells of how it fared.
ATTEMPT = "gateway.attempt"


class Attempt(Protocol):
    """How a service fared that doesn't raise what it failed with: the project's middleware makes an answer of it.

    `error` is what it raised. `undone`: nothing of what it did is left, and nothing has left the process, so that the
    request can be answered elsewhere, whatever its method.
    """

    error: Exception | None
    undone: bool


class ClientGone(Exception):
    """The client left before its request was complete, so nobody waits for an answer."""


class UpstreamError(Exception):
    """An upstream gave no usable answer; `status` is what to tell the caller."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Upstream(Protocol):
    """Whatever can answer a request: an ASGI 3 application, `entry`, with a name and a lifespan."""

    name: str

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


class Legacy(Upstream, Protocol):
    """The Django project, or whatever else was there before."""

    sockets: bool  # it serves WebSockets
    script_name: str  # the path it says it is served under, or ""
    session_cookie: bytes  # the name of its session cookie
    secrets: Sequence[str | bytes]  # to sign with the first, and to verify with any; none where it has no such thing

    @property
    def busy(self) -> bool:
        """Whether requests wait for it."""

    async def caller(self, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Who sent a request with these headers; None when that can't be found out now. Raises nothing."""

    def allows_host(self, host: bytes) -> bool:
        """Whether the project answers for `host`, which may have a port."""

    def forwarded_host(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """The host that the project takes from X-Forwarded-Host; None when it doesn't."""

    def knows(self, path: str) -> bool | None:
        """Whether its URLconf has `path`; None when it can't be asked."""

    def trusts_origin(self, origin: bytes) -> bool:
        """Whether a page of `origin` ("https://host") may act for its visitor here."""


def in_ascii(target: bytes) -> bytes:
    """A request's target, or its query, with everything that may not stand in a URL quoted. It means the same."""
    return quote_from_bytes(target, safe=punctuation).encode()


def take_in_bytes(scope: Scope) -> None:
    """Offer an application no other way to answer than by its bytes: no file that the server sends, no hints.

    For where somebody between the two reads the answer. `scope` is a copy.
    """
    if offered := scope.get("extensions"):
        scope["extensions"] = {name: way for name, way in offered.items() if not name.startswith("http.response.")}
