"""Reads a request once, in one way.

Routing, the Host check and the log all use the result. Where two readings of the same path would lead to different
upstreams, the request is refused (`RequestInfo.alternative_paths`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from starlette.types import Scope

from gateway.types import Header

__all__ = ["BadRequest", "RequestInfo", "read_request", "unchecked"]

# The caller's request ID is written to logs and sent to both upstreams, so its length and characters are limited.
_well_formed_id = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}").fullmatch
_control = re.compile(r"[\x00-\x1f\x7f]")
# One regular expression instead of several checks: each step of the interpreter takes 20 ns for every request.
_perhaps_ambiguous = re.compile(rb"[%\\]|//|/\.|\A(?!/)").search
UNDERSCORE = ord("_")  # a number: in Python 3.11, searching bytes for bytes takes eight times as long
_ambiguous = re.compile(r"//|/\.|[\x00-\x1f\x7f\\%]").search


class BadRequest(Exception):
    """A request that can be read in more than one way. The message is safe to show."""


class RequestInfo:
    """What routing needs to know of one request.

    `path` is decoded and relative to the site's root; `root` is the path before it. `method` is `WEBSOCKET` for a
    WebSocket. `routing_method` is the method to route by: for a CORS preflight, the method of the request that it
    announces. `ambiguous`: other software may read the path differently. `underscored`: a header's name has an
    underscore. `client` is the caller's address, "" when unknown. `proxied`: the project reads at least one of `scheme`
    ("http" or "https", and the header line that says so), `host` and `port` from a proxy's headers; the others are
    None.
    """

    # Without __slots__: rarely used attributes are defaults of the class, so that they need not be set each time.
    request_id: bytes | None = None
    host: bytes | None = None
    scheme: tuple[str, tuple[bytes, bytes]] | None = None
    port: int | None = None
    proxied = False
    ambiguous = False
    underscored = False

    def __init__(self, method: str, path: str, root: str, headers: dict[bytes, bytes], client: str = "") -> None:
        self.method = self.routing_method = method
        self.path = path
        self.root = root
        self.headers = headers
        self.client = client

    def __str__(self) -> str:
        path = self.path.encode("unicode_escape").decode("ascii")  # for the log: it may contain line breaks
        return f"{self.method} {self.root}{path}"

    def __repr__(self) -> str:
        return f"RequestInfo({self})"

    def alternative_paths(self, raw_path: bytes) -> Iterable[str]:
        """Other paths that a proxy, cache or framework may read in this request. Only needed when it is `ambiguous`."""
        raw = raw_path.decode("latin-1")
        if "%2f" in raw.lower():  # an encoded slash as part of a segment
            yield unquote(re.sub("%2f", "%252F", raw, flags=re.IGNORECASE)).removeprefix(self.root)
        if "%" in self.path:  # decoded once more
            yield unquote(self.path)
        yield _normalised(self.path)
        yield _normalised(unquote(self.path))


def read_request(scope: Scope, root_path: str, request_id_header: bytes | None) -> RequestInfo:
    """Read an `http` or `websocket` scope. `root_path` overrides the scope's unless it is empty.

    Upstreams get the same scope, so the Cookie lines of HTTP/2 are joined in it. Raises BadRequest for requests with
    more than one reading: two Host lines, in HTTP/1 two Cookie lines (RFC 9112, section 3.2; RFC 6265, section 5.4), a
    target that is neither a path nor an absolute URL; and for HTTP/1.1 without a Host line.
    """
    # Every request runs this; rare cases are looked at only after a cheap test.
    # A copy: uvicorn appends to its own list when a body has trailers.
    lines = scope["headers"] = [*scope["headers"]]
    headers = dict(lines)
    if len(headers) != len(lines):
        lines = scope["headers"] = _unambiguous(lines, scope.get("http_version"))
        headers = dict(lines)
    if b"host" not in headers and scope.get("http_version") == "1.1":  # h11 refuses it, httptools doesn't
        raise BadRequest("no Host header")
    path: str = scope["path"]
    root = root_path or scope.get("root_path", "")
    raw = scope.get("raw_path")
    ambiguous = raw is None or _perhaps_ambiguous(raw) is not None
    if ambiguous or root:
        path = _canonical(path, root, given=bool(scope.get("root_path")))
        ambiguous = _ambiguous(path) is not None or (raw is not None and (b"%2f" in raw.lower() or raw[:1] != b"/"))
    client = scope.get("client")
    method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
    info = RequestInfo(method, path, root, headers, client[0] if client else "")
    if ambiguous:
        info.ambiguous = True
    if UNDERSCORE in b"".join(headers):
        info.underscored = True
    if method == "OPTIONS" and b"origin" in headers:
        info.routing_method = headers.get(b"access-control-request-method", b"OPTIONS").decode("latin-1").upper()
    if request_id_header in headers:
        info.request_id = _accepted(headers[request_id_header])
    return info


def unchecked(scope: Scope, request_id_header: bytes | None) -> RequestInfo:
    """Read a scope that `read_request` refused, without its checks: for the error response and the log."""
    headers = dict(scope["headers"])
    method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
    info = RequestInfo(method, scope["path"], "", headers)
    info.request_id = _accepted(headers.get(request_id_header, b""))
    return info


def _accepted(request_id: bytes) -> bytes | None:
    return request_id if _well_formed_id(request_id) else None


def _unambiguous(lines: list[Header], version: str | None) -> list[Header]:
    """`lines` with at most one Cookie line.

    HTTP/2 and 3 may split cookies over several lines, and a server may pass them on like that. They must be joined by
    "; " (RFC 9113, section 8.2.3; RFC 9114, section 4.2.1): Django would join them by a comma, and a remote service,
    called over HTTP/1.1, would get two lines.
    """
    names = [name for name, _ in lines]
    if names.count(b"host") > 1:
        raise BadRequest("more than one Host header")
    if names.count(b"cookie") <= 1:
        return lines
    # ASGI's names are "2" and "3"; "HTTP/2.0" in the request line of HTTP/1 is the caller's claim.
    if version not in ("2", "3"):
        raise BadRequest("more than one Cookie header")
    joined = b"; ".join([value for name, value in lines if name == b"cookie"])
    return [*(line for line in lines if line[0] != b"cookie"), (b"cookie", joined)]


def _canonical(path: str, root: str, *, given: bool) -> str:
    """`path` relative to `root`, whatever the form of the request's target.

    A server prepends the root that it was `given`, whether or not the proxy has stripped it; with the configured root,
    the proxy may have stripped it or not.
    """
    if not path.startswith("/"):
        path = _path_of(path)
    elif given and path.startswith(root) and path[len(root) :].partition("://")[0] in ("http", "https"):
        path = _path_of(path[len(root) :])
    if root:
        for _ in range(1 + given):
            if path == root:
                return "/"
            if path.startswith(root) and path[len(root)] == "/":
                path = path[len(root) :]
    return path


def _path_of(target: str) -> str:
    """The path of a target in absolute form, which httptools resolves and h11 passes on unchanged."""
    try:
        parts = urlsplit(target)
    except ValueError:
        raise BadRequest("the request target is not a path") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BadRequest("the request target is not a path")
    return parts.path or "/"


def _normalised(path: str) -> str:
    """`path` as normalising servers read it: without control characters, `//`, `.` and `..` segments."""
    parts: list[str] = []
    path = _control.sub("", path).replace("\\", "/")
    for segment in path.split("/"):
        if segment == "..":
            if parts:
                parts.pop()
        elif segment not in ("", "."):
            parts.append(segment)
    slash = "/" if parts and path.endswith(("/", "/.", "/..")) else ""
    return "/" + "/".join(parts) + slash
