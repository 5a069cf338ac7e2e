"""What every upstream has in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import punctuation
from typing import Protocol
from urllib.parse import quote_from_bytes

from starlette.types import ASGIApp

from gateway.routing.table import Endpoint

__all__ = ["REQUEST_ID", "ClientGone", "Legacy", "Service", "Upstream", "UpstreamError", "in_ascii"]

# Where a scope says, for an upstream that hands the request on, which header the gateway put its identifier in.
REQUEST_ID = "gateway.request_id"


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
