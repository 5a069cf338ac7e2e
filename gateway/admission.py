"""Whether a service may see a request at all: what Django would refuse is refused for services too."""

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
    """A request nobody may or can take. `status` is the answer."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def admit(info: RequestInfo, scope: Scope, legacy: Legacy, upstream: Upstream) -> None:
    """Return when `upstream` may serve this request. Raises BadRequest otherwise.

    ALLOWED_HOSTS holds for services. A socket must come from a page of ours, and somebody must serve it.
    A number that Python can't convert is in no service's path.
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
    """Refuse what announces a body that `upstream` won't take, before any of it is asked for. Raises BadRequest."""
    length, most = info.headers[b"content-length"], upstream.max_body
    if most is not None and length.isdigit() and (len(length) > len(str(2**63)) or int(length) > most):
        raise Refused(413, "Content Too Large")


def apply_proxy_settings(info: RequestInfo, scope: Scope, project: ProxySettings) -> None:
    """Let `info` have what the project takes from a proxy's headers, if they are there."""
    if project.names.isdisjoint(info.headers):
        return
    lines = scope["headers"]
    info.scheme, info.host, info.port = project.scheme(lines), project.host(lines), project.port(lines)
    info.proxied = True


def host_of(info: RequestInfo, scope: Scope) -> bytes:
    """The host this request is for, as the project reads it."""
    if info.host is not None:
        return info.host
    host = info.headers.get(b"host")
    if host is not None:
        return host
    said = dict(scope)
    correct(said, info)
    return authority(said)


def _same_site(info: RequestInfo, scope: Scope, host: bytes, legacy: Legacy) -> bool:
    """Any page can open a socket, and the browser adds our cookies (RFC 6455, section 10.2), so the page's
    origin must be this host or a trusted one. Clients that aren't browsers send no Origin. As Django has it, a page
    that came unencrypted, which anybody on its way may have written, has no say over what is encrypted."""
    origin = info.headers.get(b"origin")
    if origin is None:
        return True
    scheme, _, page = origin.lower().rpartition(b"//")
    secure = scope.get("scheme") == "wss" if info.scheme is None else info.scheme[0] == "https"
    if page == host.lower() and not (scheme == b"http:" and secure):
        return True
    return legacy.trusts_origin(origin)
