"""What a request says, read once and in one way.

Routing, the Host check and the log all use these facts. Where two readings of the same request would lead
to different upstreams, there is no right one, and the request is refused (`Facts.readings`).
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from starlette.types import Scope

__all__ = ["BadRequest", "Facts", "at_face_value", "new_request_id", "read"]

# A caller's identifier goes into logs and to both upstreams, so it must be short and harmless.
_well_formed_id = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}").fullmatch
_control = re.compile(r"[\x00-\x1f\x7f]")
# One search, as a request meets this code when it is in no cache: there, each step of the interpreter takes 20 ns.
_perhaps_odd = re.compile(rb"[%\\]|//|/\.|\A(?!/)").search
UNDERSCORE = ord("_")  # in Python 3.11, looking for bytes in bytes takes eight times as long as for a number
_odd = re.compile(r"//|/\.|[\x00-\x1f\x7f\\%]").search


class BadRequest(Exception):
    """A request that can't be read in one way only. The message says why; it is safe to show."""


class Facts:
    """What routing needs to know of one request.

    `path` is decoded and relative to the site's root; `root` is what stands before it. `method` is
    `WEBSOCKET` for a socket. `wanted` is the method to route by: the announced one for a CORS preflight.
    `odd`: the path may have other readings. `underscored`: a header's name has an underscore. `host`: the
    host where the project takes it from another header than Host (`admission.host_of`), else None. `client` is the
    caller's address, "" where the server doesn't know it.
    """

    # Without __slots__, so that what few requests have is not set for each: a class may have slots or defaults.
    request_id: bytes | None = None
    host: bytes | None = None
    odd = False
    underscored = False

    def __init__(self, method: str, path: str, root: str, headers: dict[bytes, bytes], client: str = "") -> None:
        self.method = self.wanted = method
        self.path = path
        self.root = root
        self.headers = headers
        self.client = client

    def __str__(self) -> str:
        path = self.path.encode("unicode_escape").decode("ascii")  # it is logged, and may hold line ends
        return f"{self.method} {self.root}{path}"

    def __repr__(self) -> str:
        return f"Facts({self})"

    def readings(self, raw_path: bytes) -> Iterable[str]:
        """Other paths that a proxy, cache or framework may see in this request. Only asked for when `odd`."""
        raw = raw_path.decode("latin-1")
        if "%2f" in raw.lower():  # an encoded slash as part of a segment
            yield unquote(re.sub("%2f", "%252F", raw, flags=re.IGNORECASE)).removeprefix(self.root)
        if "%" in self.path:  # decoded once more
            yield unquote(self.path)
        yield _normalised(self.path)
        yield _normalised(unquote(self.path))


def read(scope: Scope, root_path: str, request_id_header: bytes | None) -> Facts:
    """The facts of an `http` or `websocket` scope. `root_path` overrides the scope's when it isn't empty.

    Raises BadRequest for what has more than one reading: two Host or Cookie lines (RFC 9112, section 3.2;
    RFC 6265, section 5.4), a target that is neither a path nor an absolute URL.
    """
    # Every request passes here; what is rare is looked into only after a cheap sign of it.
    lines = scope["headers"]
    headers = dict(lines)
    if len(headers) != len(lines):
        _refuse_repeated(scope, lines)
    path: str = scope["path"]
    root = root_path or scope.get("root_path", "")
    raw = scope.get("raw_path")
    odd = raw is None or _perhaps_odd(raw) is not None
    if odd or root:
        path = _canonical(path, root, given=bool(scope.get("root_path")))
        odd = _odd(path) is not None or (raw is not None and (b"%2f" in raw.lower() or raw[:1] != b"/"))
    client = scope.get("client")
    method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
    facts = Facts(method, path, root, headers, client[0] if client else "")
    if odd:
        facts.odd = True
    if UNDERSCORE in b"".join(headers):
        facts.underscored = True
    if method == "OPTIONS" and b"origin" in headers:
        facts.wanted = headers.get(b"access-control-request-method", b"OPTIONS").decode("latin-1").upper()
    if request_id_header in headers:
        facts.request_id = _accepted(headers[request_id_header])
    return facts


def at_face_value(scope: Scope, request_id_header: bytes | None) -> Facts:
    """What a scope says that `read` refuses, unchecked: for the answer to it, and for the log."""
    headers = dict(scope["headers"])
    method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
    facts = Facts(method, scope["path"], "", headers)
    facts.request_id = _accepted(headers.get(request_id_header, b""))
    return facts


def _accepted(request_id: bytes) -> bytes | None:
    return request_id if _well_formed_id(request_id) else None


def _refuse_repeated(scope: Scope, lines: Iterable[tuple[bytes, bytes]]) -> None:
    names = [name for name, _ in lines]
    if names.count(b"host") > 1:
        raise BadRequest("more than one Host header")
    # HTTP/2 and 3 may split the cookie header (RFC 9113, section 8.2.3); HTTP/1.1 may not.
    if names.count(b"cookie") > 1 and scope.get("http_version", "1.1").startswith("1"):
        raise BadRequest("more than one Cookie header")


def _canonical(path: str, root: str, *, given: bool) -> str:
    """`path` relative to `root`, whatever form the request's target had.

    A server puts the root it was `given` before every path, whether or not the proxy had already left it
    there; with a root of ours, the proxy may have stripped it or not.
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
    """The path of an absolute-form target, which httptools resolves by itself and h11 hands on."""
    try:
        parts = urlsplit(target)
    except ValueError:
        raise BadRequest("the request target is not a path") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BadRequest("the request target is not a path")
    return parts.path or "/"


def _normalised(path: str) -> str:
    """`path` as servers that clean up see it: no control characters, `//`, `.` or `..` segments."""
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


_process = os.urandom(8).hex().encode()
_numbers = itertools.count(int.from_bytes(os.urandom(3)))


def new_request_id() -> bytes:
    """An identifier no other process and no other request of this one has: 32 hexadecimal digits."""
    return b"%s%016x" % (_process, next(_numbers))


def _after_fork() -> None:
    global _process  # noqa: PLW0603 - a forked worker needs a prefix of its own
    _process = os.urandom(8).hex().encode()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
