"""The client's address and scheme, according to the proxies in front of this server."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Iterable
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http1.connection import AnswersRequests, Connection

__all__ = ["DirectBehindProxies", "Proxies", "ProxyError"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LONGEST = 100  # bytes: no address is longer
SECURE = {b"https": True, b"wss": True, b"http": False, b"ws": False}


class ProxyError(ValueError):
    """An invalid list of addresses. The message says which part."""


class Proxies:
    """ASGI middleware: sets `client` and `scheme` from X-Forwarded-For and X-Forwarded-Proto, where a proxy sent them.

    `trusted` are the proxies' addresses and networks, separated by commas; "*" trusts every peer. A peer on a Unix
    socket is always trusted. Every proxy appends the address of its own peer, so the lists are read from the right:
    over `hops` proxies, the peer included, and then over those whose address is trusted. What is further left was sent
    by the client. Raises ProxyError.
    """

    def __init__(self, app: ASGIApp, trusted: str, hops: int = 1) -> None:
        self.app = app
        self._hops = hops
        parts = [part.strip() for part in trusted.split(",") if part.strip()]
        self._anybody = "*" in parts
        self._networks = [_network(part) for part in parts if part != "*"]
        self._named = lru_cache(4096)(self._is_named)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on. A plain function that returns an awaitable: that saves a frame for every request."""
        if scope["type"] != "lifespan":
            self.apply(scope)
        return self.app(scope, receive, send)

    def apply(self, scope: Scope) -> None:
        """Set `client` and `scheme`, if a proxy has sent the request."""
        if self.trusts(scope.get("client")):
            self._believe(scope)

    def trusts(self, client: tuple[str, int] | None) -> bool:
        """Whether the peer is a trusted proxy. None is a peer on a Unix socket."""
        return client is None or self._anybody or self._named(client[0])

    def _is_named(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)

    def _believe(self, scope: Scope) -> None:
        said = [line for line in scope["headers"] if line[0].startswith(b"x-forwarded-")]
        if not said:
            return
        hops = self._hops
        if addresses := _listed(said, b"x-forwarded-for"):
            client, hops = self._walk(addresses)
            if client is not None:
                scope["client"] = client
        if schemes := _listed(said, b"x-forwarded-proto"):
            # A proxy that appends to it, as to the addresses, adds one entry; most replace it.
            secure = SECURE.get(schemes[-min(hops, len(schemes))].lower())
            if secure is not None:
                plain = "ws" if scope["type"] == "websocket" else "http"
                scope["scheme"] = plain + "s" if secure else plain

    def _walk(self, addresses: list[bytes]) -> tuple[tuple[str, int] | None, int]:
        """The peer of the outermost trusted proxy, and the number of proxies on the way."""
        for hops, entry in enumerate(reversed(addresses), 1):
            client = _host_and_port(entry.decode("latin-1"))
            last = hops == len(addresses)
            if hops >= self._hops and (last or client is None or not self._named(client[0])):
                return client, hops
        return _host_and_port(addresses[0].decode("latin-1")), len(addresses)


class DirectBehindProxies:
    """The direct path, for requests that proxies may have sent."""

    def __init__(self, direct: AnswersRequests, proxies: Proxies) -> None:
        self._direct = direct
        self._proxies = proxies

    def answer(self, scope: Scope, body: bytes | bytearray, connection: Connection) -> bool:
        """As the direct path."""
        self._proxies.apply(scope)
        return self._direct.answer(scope, body, connection)


def _listed(lines: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """The items of a list in a header, on any number of lines (RFC 9110, section 5.3)."""
    values = [value for key, value in lines if key == name]
    return [entry.strip() for entry in b",".join(values).split(b",")] if values else []


def _host_and_port(entry: str) -> tuple[str, int] | None:
    """An address as proxies write it: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1]:80. None for anything else,
    since applications expect an address."""
    host, port = entry, ""
    if entry.startswith("["):
        host, closed, port = entry[1:].partition("]")
        if not closed or port[:1] not in ("", ":"):
            return None
        port = port[1:]
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
    if _address(host) is None:
        return None
    return host, int(port) if port.isascii() and port.isdigit() and len(port) <= len("65535") else 0


@lru_cache(4096)
def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address  # the form of an IPv4 client on a socket for both families


def _address(text: str) -> Address | None:
    return _parsed(text) if len(text) <= LONGEST else None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as exc:
        raise ProxyError(f"{text!r} is no address or network ({exc}); write 10.0.0.1, 10.0.0.0/8 or *") from None
