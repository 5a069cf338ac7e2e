"""HTTP requests that a project sends to other servers while a request is recorded, and their responses.

Requests of `http.client` and httpcore are converted to one form, so that a recorded request is recognised whichever
library sends it (docs/corpus.md).
"""

from __future__ import annotations

import http.client
from collections.abc import Iterable
from typing import Any, Literal, Protocol, TypeAlias

from gateway.compat.stdlib import tunnel_host

__all__ = [
    "LONGEST",
    "FailureKind",
    "OutboundCall",
    "OutboundClients",
    "OutboundLog",
    "base_url",
    "failure_of",
    "lower",
    "parse_request",
    "unchunked",
    "url_of",
]

OutboundHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]  # names in lower case
FailureKind: TypeAlias = Literal["timeout", "connection"]

MOST = 50  # calls of one request that are kept
LONGEST = 256 * 1024  # bytes of a body that are kept
ROOM = 2**20  # bytes of all bodies of one request
PORTS = {"http": 80, "https": 443}


class OutboundClients(Protocol):
    """Answers a mirror's requests to other servers."""

    def make(self, call: Any) -> Any:
        """The result of `call`, a GuardedCall of a client's method. Raises what the client would raise, and
        NotConnected if the request must not be sent."""


class OutboundCall:
    """One request and its response. `sent` and `body` grow while both are transferred; None if they are too long or
    unknown. `whole`: the response is complete. `failed`: how the request failed."""

    __slots__ = ("_log", "body", "failed", "headers", "method", "sent", "sent_headers", "status", "url", "whole")

    def __init__(self, log: OutboundLog, method: str, url: str) -> None:
        self._log = log
        self.method = method
        self.url = url
        self.sent_headers: OutboundHeaders = ()
        self.sent: bytearray | None = bytearray()
        self.status = 0
        self.headers: OutboundHeaders = ()
        self.body: bytearray | None = bytearray()
        self.whole = False
        self.failed: FailureKind | None = None

    def add_sent(self, part: bytes) -> None:
        """Add a part of the request's body."""
        if self.sent is not None:
            self.sent = self._added(self.sent, part)

    def add_received(self, part: bytes) -> None:
        """Add a part of the response's body."""
        if self.body is not None:
            self.body = self._added(self.body, part)

    def _added(self, body: bytearray, part: bytes) -> bytearray | None:
        if len(body) + len(part) > self._log.limit or not self._log.take(len(part)):
            return None
        body += part
        return body


class OutboundLog:
    """The calls during one request. At most `limit` bytes of each body are kept."""

    __slots__ = ("_room", "calls", "limit")

    def __init__(self, limit: int = LONGEST) -> None:
        self.limit = limit
        self.calls: list[OutboundCall] = []
        self._room = ROOM

    def begin(self, method: str, url: str) -> OutboundCall | None:
        """Note a call that is about to be made; None if there were too many."""
        if len(self.calls) >= MOST:
            return None
        call = OutboundCall(self, method, url)
        self.calls.append(call)
        return call

    @property
    def size(self) -> int:
        """The bytes of bodies that are kept."""
        return ROOM - self._room

    def take(self, size: int) -> bool:
        """Whether there is room for `size` more bytes, which are then reserved."""
        self._room -= size
        return self._room >= 0


# -- conversion -----------------------------------------------------------------------------------


def base_url(scheme: str, host: str, port: int | None) -> str:
    """ "https://example.org", with the port unless it is the scheme's default."""
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    own = port is None or PORTS.get(scheme.lower()) == port
    return f"{scheme}://{name}".lower() + ("" if own else f":{port}")


def url_of(connection: http.client.HTTPConnection, target: str) -> str:
    """The URL of a request for `target` on `connection`."""
    if not target.startswith("/"):  # to a proxy
        return target.partition("#")[0]
    scheme = "https" if connection.default_port == http.client.HTTPS_PORT else "http"
    tunnel = tunnel_host(connection)
    port = None if tunnel else connection.port
    return base_url(scheme, tunnel or connection.host, port) + target.partition("#")[0]


def parse_request(sent: bytes) -> tuple[OutboundHeaders, bytes]:
    """The headers and the body of a request in the form in which it was sent."""
    head, _, body = sent.partition(b"\r\n\r\n")
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
    chunked = any(name == b"transfer-encoding" and b"chunked" in value.lower() for name, value in headers)
    return headers, (unchunked(body) or b"") if chunked else body


def unchunked(body: bytes) -> bytes | None:
    """A body without its chunked encoding (RFC 9112, section 7.1); None if the last chunk is missing."""
    parts: list[bytes] = []
    while True:
        line, end, body = body.partition(b"\r\n")
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            return None
        if not end or len(body) < size:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(body[:size])
        body = body[size + 2 :]


def failure_of(error: BaseException) -> FailureKind | None:
    """The kind of failure, for an `error` that a client raised; None for errors that can't be played back."""
    names = {cls.__name__ for cls in type(error).__mro__}  # each library has its own
    if "NewConnectionError" in names:  # urllib3's, which is one of its time-outs too
        return "connection"
    if not names.isdisjoint(("TimeoutError", "TimeoutException")):
        return "timeout"
    return None if names.isdisjoint(("OSError", "NetworkError")) else "connection"


def lower(headers: Iterable[tuple[bytes, bytes]]) -> OutboundHeaders:
    """Headers with their names in lower case."""
    return tuple((name.lower(), value) for name, value in headers)
