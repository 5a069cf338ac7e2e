"""What the gateway adds to an ASGI scope, and takes out of it."""

from __future__ import annotations

from collections.abc import Callable
from string import punctuation
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, quote_from_bytes

from starlette.types import Scope

from gateway.rollout.decision import LEGACY
from gateway.routing.request import RequestInfo
from gateway.routing.table import Match
from gateway.types import Header, Headers

if TYPE_CHECKING:
    from gateway.dispatch.bodies import Body

__all__ = [
    "ADAPTED",
    "ATTEMPT",
    "FILES",
    "MIRROR",
    "REQUEST_ID",
    "Attempt",
    "adapt_scope",
    "authority",
    "correct",
    "identified",
    "in_ascii",
    "only",
    "take_in_bytes",
]


# Where a scope says, for an upstream that hands the request on, which header the gateway put its identifier in.
REQUEST_ID = "gateway.request_id"

# With these an application lets the server send a file, where the scope's extensions offer it.
FILES = frozenset({"http.response.pathsend", "http.response.zerocopysend"})

# A scope has this key where nobody will see the answer: the request is a mirror.
MIRROR = "gateway.mirror"

# Where a scope has a `Match` that a service in this process has to be adapted to: it has no endpoint for the method.
ADAPTED = "gateway.adapted"

# Where a scope has the `Attempt` that a service in this process tells of how it fared.
ATTEMPT = "gateway.attempt"


class Attempt(Protocol):
    """How a service fared that doesn't raise what it failed with: the project's middleware makes an answer of it.

    `error` is what it raised. `rolled_back`: nothing of what it did is left, and nothing has left the process, so that
    the request can be answered elsewhere, whatever its method. `own`: the status of its own answer, where a middleware
    may give another; 0 until it was asked.
    """

    error: Exception | None
    rolled_back: bool
    own: int | None

    def share(self, body: Body) -> None:
        """The request's body is held in `body` from now on: it need not be kept once more to be sent again."""


def authority(scope: Scope) -> bytes:
    """The host that a request is for: its Host header, or what it was sent to where it has none, as in HTTP/1.0."""
    host = next((value for name, value in scope["headers"] if name == b"host"), None)
    if host is not None or not (server := scope.get("server")):
        return host or b""
    name, port = server
    usual = 443 if scope.get("scheme") in ("https", "wss") else 80
    if port is None:  # the path of a Unix socket is no host
        return b"localhost"
    return (name if port == usual else f"{name}:{port}").encode("latin-1", "replace")


def in_ascii(target: bytes) -> bytes:
    """A request's target, or its query, with everything that may not stand in a URL quoted. It means the same."""
    return quote_from_bytes(target, safe=punctuation).encode()


def take_in_bytes(scope: Scope) -> None:
    """Offer an application no other way to answer than by its bytes: no file that the server sends, no hints.

    For where somebody between the two reads the answer. `scope` is a copy.
    """
    if offered := scope.get("extensions"):
        scope["extensions"] = {name: way for name, way in offered.items() if not name.startswith("http.response.")}


def adapt_scope(scope: Scope, info: RequestInfo, match: Match | None, upstream: str) -> bool:
    """Make of `scope` what the upstream is to see. True when a service's endpoint is asked GET for a HEAD.

    All else sees the method that was sent: a service in this process changes it in front of the endpoint.
    """
    if info.underscored:  # in CGI's notation X_A passes for X-A; Django drops them too
        scope["headers"] = [line for line in scope["headers"] if b"_" not in line[0]]
    if match is not None:
        scope["gateway.match"] = match
        if (match.undeclared or match.head_as_get) and upstream != LEGACY:
            scope[ADAPTED] = match
            if match.head_as_get and info.method == "HEAD":
                if match.opaque:
                    scope["method"] = "GET"
                return True
    return False


def identified(scope: Scope, info: RequestInfo, header: bytes, new_id: Callable[[], bytes]) -> Header:
    """The line that names this request, which `scope` now has once: the caller's, if it was accepted, or a new one."""
    scope[REQUEST_ID] = header
    lines = scope["headers"]
    if info.request_id is None:
        info.request_id = new_id()
    line = (header, info.request_id)
    if header not in info.headers:
        scope["headers"] = [*lines, line]
    elif info.headers[header] != info.request_id or len(lines) != len(info.headers):
        scope["headers"] = only(lines, line)  # else it is there, and no line is there twice
    return line


def only(lines: Headers, line: Header) -> Headers:
    """`lines` with `line` in the place of all others of its name."""
    return [*(other for other in lines if other[0] != line[0]), line]


def correct(scope: Scope, info: RequestInfo) -> None:
    """Let `scope`, which is a copy, say what `info` says: the same to every upstream."""
    if info.root or info.ambiguous:
        path = info.root + info.path
        if path != scope["path"]:  # the proxy had stripped the root, or left it there twice
            scope["raw_path"] = quote(path).encode()
        scope["path"] = path
        scope["root_path"] = info.root
    if info.proxied:
        _correct_by_proxy(scope, info)


def _correct_by_proxy(scope: Scope, info: RequestInfo) -> None:
    if info.scheme is not None:
        scheme, line = info.scheme
        if scope["type"] == "websocket":
            scheme = "wss" if scheme == "https" else "ws"
        scope["scheme"] = scheme
        scope["headers"] = only(scope["headers"], line)
    if info.host is not None:  # services build URLs from Host
        scope["headers"] = only(scope["headers"], (b"host", info.host))
    if info.port is not None and scope.get("server"):
        scope["server"] = (scope["server"][0], info.port)
