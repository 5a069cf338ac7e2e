"""A server elsewhere, which a project asks: a real one, on this machine."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["Outside", "outside"]


class Outside:
    """`url` is where it listens; `asked` what it was asked: method, target, body."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, str, bytes]] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: Any = self.server
        body = self._body()
        server.outside.asked.append((self.command, self.path, body))
        if self.path == "/hangs-up":
            self.close_connection = True
            return
        if self.path == "/until-closed":
            self._answer_until_closed()
            return
        if self.path.startswith("/chunks/"):
            self._answer_in_chunks(int(self.path.split("/")[2]))
            return
        status = 204 if self.path.startswith("/empty") else 200
        said = {"times": len(server.outside.asked), "got": body.decode("utf-8", "replace")}
        content = b"" if status == 204 else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "seen=1")
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_POST = do_HEAD = do_GET  # noqa: N815 - its base class looks for these names

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer_in_chunks(self, count: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(ConnectionError):  # who asks may have heard enough
            self.wfile.write(b"3\r\nabc\r\n" * count + b"0\r\n\r\n")

    def _answer_until_closed(self) -> None:
        """As servers of HTTP/1.0 do, which say nothing of a length."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"all of it")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def outside() -> Iterator[Outside]:
    """A server that answers JSON, /chunks/N/ in N chunks, /until-closed without a length, /empty with nothing, and
    /hangs-up not at all."""
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.outside = Outside(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.outside
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
