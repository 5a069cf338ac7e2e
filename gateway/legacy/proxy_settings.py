"""What a Django project's settings say about its proxy and its hosts: scheme, host and port, allowed hosts and origins.

Django reads these from the request each time. Services can't, so the gateway reads them once for both sides.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.utils.http import is_same_domain

from gateway.types import Header

__all__ = ["AllowedHosts", "DjangoProxySettings", "is_allowed", "is_trusted"]

HOST, PORT = b"x-forwarded-host", b"x-forwarded-port"
# A proxy may send a WebSocket's scheme; Django compares with the one value that its setting names.
OF_SOCKETS = {b"wss": b"https", b"ws": b"http"}


class DjangoProxySettings:
    """How SECURE_PROXY_SSL_HEADER, USE_X_FORWARDED_HOST and USE_X_FORWARDED_PORT are currently set.

    `names` are the headers that are read, in lower case; a request without any of them needs no further check.
    """

    __slots__ = ("_scheme", "_secure", "names")

    def __init__(self) -> None:
        self._scheme, self._secure = _scheme_header()
        names = {self._scheme: True, HOST: settings.USE_X_FORWARDED_HOST, PORT: settings.USE_X_FORWARDED_PORT}
        self.names = frozenset(name for name, used in names.items() if name and used)

    def scheme(self, lines: Iterable[Header]) -> tuple[str, Header] | None:
        """`HttpRequest.scheme`, and the header line from which Django is to read it; None without that header."""
        value = _joined(lines, self._scheme) if self._scheme else None
        if value is None:
            return None
        first, comma, rest = value.partition(b",")
        named = first.strip()
        value = OF_SOCKETS.get(named, named) + comma + rest
        return "https" if OF_SOCKETS.get(named, named) == self._secure else "http", (self._scheme, value)

    def host(self, lines: Iterable[Header]) -> bytes | None:
        """The host that Django uses instead of the Host header; None if it uses the Host header."""
        return _joined(lines, HOST) if HOST in self.names else None

    def port(self, lines: Iterable[Header]) -> int | None:
        """`HttpRequest.get_port()`, if it is read from a header and is a number."""
        value = _joined(lines, PORT) if PORT in self.names else None
        return int(value) if value is not None and value.isdigit() and len(value) <= len("65535") else None


def _scheme_header() -> Header:
    """The header of SECURE_PROXY_SSL_HEADER and its value for https; empty when it isn't set."""
    name, secure = settings.SECURE_PROXY_SSL_HEADER or ("", "")
    if not name.startswith("HTTP_"):  # Django reads META, in which clients can only set headers
        return b"", b""
    return name.removeprefix("HTTP_").replace("_", "-").lower().encode("latin-1"), secure.encode("latin-1")


def _joined(lines: Iterable[Header], name: bytes) -> bytes | None:
    """The value of a header as in Django's requests: lines joined by commas."""
    values = [value for key, value in lines if key == name]
    return b",".join(values) if values else None


def is_trusted(origin: bytes) -> bool:
    """Whether CSRF_TRUSTED_ORIGINS contains `origin`, such as "https://host"."""
    scheme, _, host = origin.decode("latin-1").lower().partition("://")
    return any(_fits_origin(trusted, scheme, host) for trusted in settings.CSRF_TRUSTED_ORIGINS)


def _fits_origin(trusted: str, scheme: str, host: str) -> bool:
    """As CsrfViewMiddleware: `https://*.example.com` matches every subdomain."""
    trusted_scheme, _, trusted_host = trusted.lower().partition("://")
    return scheme == trusted_scheme and is_same_domain(host, trusted_host.lstrip("*"))


def is_allowed(host: bytes) -> bool:
    """Whether ALLOWED_HOSTS contains `host`, decided by Django (`HttpRequest.get_host`)."""
    request = HttpRequest()
    request.META = {"HTTP_HOST": host.decode("latin-1")}
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


class AllowedHosts:
    """A cache of `is_allowed`."""

    def __init__(self) -> None:
        self._known: dict[bytes, bool] = {}

    def __contains__(self, host: bytes) -> bool:
        allowed = self._known.get(host)
        if allowed is None:
            if len(host) > 512:
                return is_allowed(host)  # too long to cache
            if len(self._known) > 1000:  # bounded, since callers choose these
                self._known.clear()
            allowed = self._known[host] = is_allowed(host)
        return allowed
