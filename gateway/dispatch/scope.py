"""What the gateway adds to an ASGI scope, and removes from it."""

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


# Key of a scope: the name of the request ID header, for an upstream that sends the request on.
REQUEST_ID = "gateway.request_id"

# With these extensions, if the scope offers them, an application lets the server send a file.
FILES = frozenset({"http.response.pathsend", "http.response.zerocopysend"})

# Key of a scope whose response nobody receives: the request is a mirror.
MIRROR = "gateway.mirror"

# Key of a scope: the `Match` for which a service in this process has no endpoint of that method.
ADAPTED = "gateway.adapted"

# Key of a scope: the `Attempt` in which a service in this process reports its outcome.
ATTEMPT = "gateway.attempt"


class Attempt(Protocol):
    """The outcome of a service whose exceptions don't reach the dispatcher: the project's middleware turns them into
    responses.

    `error` is what it raised. `rolled_back`: its transaction was rolled back and nothing has left the process, so that
    the request can be answered elsewhere, whatever its method. `own`: the status of the service's own response, which a
    middleware may have replaced; 0 until the service was called.
    """

    error: Exception | None
    rolled_back: bool
    own: int | None

    def share(self, body: Body) -> None:
        """The request's body is held in `body` from now on, so no second copy is needed for a fallback."""


def authority(scope: Scope) -> bytes:
    """The host of a request: its Host header, or in HTTP/1.0 without one, the server's address."""
    host = next((value for name, value in scope["headers"] if name == b"host"), None)
    if host is not None or not (server := scope.get("server")):
        return host or b""
    name, port = server
    usual = 443 if scope.get("scheme") in ("https", "wss") else 80
    if port is None:  # a Unix socket
        return b"localhost"
    return (name if port == usual else f"{name}:{port}").encode("latin-1", "replace")


def in_ascii(target: bytes) -> bytes:
    """A request's target, or its query, with every character quoted that may not appear in a URL."""
    return quote_from_bytes(target, safe=punctuation).encode()


def take_in_bytes(scope: Scope) -> None:
    """Remove the extensions that allow other responses than bytes: files that the server sends, early hints.

    For responses that code between the application and the server reads. `scope` is a copy.
    """
    if offered := scope.get("extensions"):
        scope["extensions"] = {name: way for name, way in offered.items() if not name.startswith("http.response.")}


def adapt_scope(scope: Scope, info: RequestInfo, match: Match | None, upstream: str) -> bool:
    """Change `scope` to what the upstream is to see. Returns whether a service answers this HEAD as a GET.

    Its method becomes GET here only if the service can't be introspected; otherwise Adapter changes it for the
    endpoint.
    """
    if info.underscored:  # in CGI's notation X_A and X-A are the same; Django drops these too
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
    """Set the request ID header in `scope`, exactly once: the caller's ID if it was accepted, or a new one. Returns
    it."""
    scope[REQUEST_ID] = header
    lines = scope["headers"]
    if info.request_id is None:
        info.request_id = new_id()
    line = (header, info.request_id)
    if header not in info.headers:
        scope["headers"] = [*lines, line]
    elif info.headers[header] != info.request_id or len(lines) != len(info.headers):
        scope["headers"] = only(lines, line)  # otherwise the only line is there already
    return line


def only(lines: Headers, line: Header) -> Headers:
    """`lines` with `line` instead of all others of its name."""
    return [*(other for other in lines if other[0] != line[0]), line]


def correct(scope: Scope, info: RequestInfo) -> None:
    """Make `scope`, which is a copy, agree with `info`, so that every upstream sees the same."""
    if info.root or info.ambiguous:
        path = info.root + info.path
        if path != scope["path"]:  # the proxy had stripped the root, or it was there twice
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
