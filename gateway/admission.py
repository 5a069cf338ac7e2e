"""Checks that Django makes of its requests, made for services too: Host, Origin, size of the body."""

from __future__ import annotations

import re

from starlette.types import Scope

from gateway.dispatch.scope import authority, correct
from gateway.routing.request import BadRequest, RequestInfo
from gateway.routing.template import MOST_DIGITS
from gateway.upstreams.base import Legacy, ProxySettings, Upstream

__all__ = ["admit", "admit_body", "apply_proxy_settings", "host_of"]

_too_long_number = re.compile(rf"[0-9]{{{MOST_DIGITS + 1}}}").search


class Refused(BadRequest):
    """A request that no upstream may or can answer. `status` is the status of the response."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def admit(info: RequestInfo, scope: Scope, legacy: Legacy, upstream: Upstream) -> None:
    """Check that `upstream` may serve this request. Raises BadRequest if not.

    ALLOWED_HOSTS applies to services. A WebSocket needs a trusted Origin and an upstream that serves WebSockets. A path
    with a number that is too long for Python to convert goes to no service.
    """
    if upstream is legacy:
        if not legacy.sockets:
            raise Refused(404, "Not Found")
        return
    if len(info.path) > MOST_DIGITS and _too_long_number(info.path):
        raise Refused(404, "Not Found")
    host = host_of(info, scope)
    if not legacy.allows_host(host):
        raise Refused(400, "Bad Request")
    if info.method == "WEBSOCKET" and not _same_site(info, scope, host, legacy):
        raise Refused(403, "Forbidden")


def admit_body(info: RequestInfo, upstream: Upstream) -> None:
    """Refuse a request whose headers announce a larger body than `upstream` takes, before any of it is read.

    Raises BadRequest.
    """
    length, most = info.headers[b"content-length"], upstream.max_body
    if most is not None and length.isdigit() and (len(length) > len(str(2**63)) or int(length) > most):
        raise Refused(413, "Content Too Large")


def apply_proxy_settings(info: RequestInfo, scope: Scope, project: ProxySettings) -> None:
    """Set on `info` what the project reads from a proxy's headers, if they are there."""
    if project.names.isdisjoint(info.headers):
        return
    lines = scope["headers"]
    info.scheme, info.host, info.port = project.scheme(lines), project.host(lines), project.port(lines)
    info.proxied = True


def host_of(info: RequestInfo, scope: Scope) -> bytes:
    """The host of this request, as the project determines it."""
    if info.host is not None:
        return info.host
    host = info.headers.get(b"host")
    if host is not None:
        return host
    said = dict(scope)
    correct(said, info)
    return authority(said)


def _same_site(info: RequestInfo, scope: Scope, host: bytes, legacy: Legacy) -> bool:
    """Whether a WebSocket's Origin is this host or a trusted one.

    Any page can open a WebSocket, and the browser sends our cookies with it (RFC 6455, section 10.2). Clients that
    aren't browsers send no Origin. As in Django, a page loaded over http is not trusted for https: anybody on the
    network path may have written it."""
    origin = info.headers.get(b"origin")
    if origin is None:
        return True
    scheme, _, page = origin.lower().rpartition(b"//")
    secure = scope.get("scheme") == "wss" if info.scheme is None else info.scheme[0] == "https"
    if page == host.lower() and not (scheme == b"http:" and secure):
        return True
    return legacy.trusts_origin(origin)
