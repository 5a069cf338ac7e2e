"""Makes a WSGI environ (PEP 3333) from an ASGI scope."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import IO, Any

from django.conf import settings
from starlette.types import Scope

__all__ = ["SCOPE", "add_headers", "add_wsgi", "environ_of", "server_by_host"]

# Key of an environ: the scope that it was made from.
SCOPE = "asgi.scope"
DEFAULT_PORTS = {"http": 80, "https": 443}


def environ_of(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """The environ of one HTTP request. `body` is its whole body.

    A client can't set a key that isn't a header's: a header is `HTTP_…`, `CONTENT_TYPE` or `CONTENT_LENGTH`, and
    headers with an underscore in their names are dropped, as Django does.
    """
    root = scope.get("root_path") or settings.FORCE_SCRIPT_NAME or ""
    path: str = scope["path"]
    if root:
        path = _below(root, path)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": root if root.isascii() else _in_latin(root),
        "PATH_INFO": path if path.isascii() else _in_latin(path),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        SCOPE: scope,
    }
    add_headers(environ, scope["headers"])
    _add_addresses(environ, scope)
    return environ


def add_headers(environ: dict[str, Any], lines: Iterable[tuple[bytes, bytes]]) -> None:
    """Add headers under their keys. Several lines with the same name are joined by a comma, as servers and Django do.
    Cookie, which would need a semicolon, has only one line (routing/request.py)."""
    for name, value in lines:
        key = _key(name)
        if key is None:
            continue
        if key in environ:
            environ[key] = f"{environ[key]},{value.decode('latin-1')}"
        else:
            environ[key] = value.decode("latin-1")


def add_wsgi(meta: dict[str, Any], scope: Scope) -> None:
    """Add to the `META` of a request that was made from `scope` what it would have under WSGI but lacks under ASGI."""
    meta["SERVER_PROTOCOL"] = f"HTTP/{scope.get('http_version', '1.1')}"
    meta["wsgi.url_scheme"] = scope.get("scheme", "http")
    _add_addresses(meta, scope)


def _add_addresses(environ: dict[str, Any], scope: Scope) -> None:
    """Add the addresses of client and server. For a Unix socket, which has none, add what WSGI servers add."""
    client = scope.get("client")
    if client:
        environ["REMOTE_ADDR"] = environ["REMOTE_HOST"] = client[0]
        environ["REMOTE_PORT"] = str(client[1])
    else:
        environ["REMOTE_ADDR"] = ""
    server = scope.get("server")
    if not server or server[1] is None:
        server = server_by_host(environ.get("HTTP_HOST", ""), scope.get("scheme", "http"))
    environ["SERVER_NAME"] = server[0]
    environ["SERVER_PORT"] = str(server[1])


def server_by_host(host: str, scheme: str) -> tuple[str, int]:
    """The server's name and port according to the Host header, for a server on a Unix socket, which has neither."""
    name, colon, port = host.rpartition(":")
    if colon and port.isascii() and port.isdecimal() and len(port) <= len("65535"):
        return name or "localhost", int(port)
    return host or "localhost", DEFAULT_PORTS.get(scheme, 80)


def _below(root: str, path: str) -> str:
    """`path` without the prefix `root`, if that ends at a segment."""
    rest = path.removeprefix(root.rstrip("/"))
    return rest if rest[:1] in ("", "/") else path


def _in_latin(text: str) -> str:
    """`text` as PEP 3333 wants it: its bytes, each as one character."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str | None:
    """The environ key of a header; None for a name that could be mistaken for another's."""
    text = name.decode("latin-1").upper()
    if "_" in text:
        return None
    key = text.replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
