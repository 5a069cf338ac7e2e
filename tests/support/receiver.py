"""A webhook's other end: an HTTP server on a socket, which keeps what it got."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.server import eventually


@dataclass
class Received:
    """One request. The names of its headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    location: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Receiver:
    """`got` are the requests so far; each is answered by `answer`, on a thread of its own."""

    def __init__(self, port: int = 0) -> None:
        self.got: list[Received] = []
        self.answer: Callable[[Received], Answer] = lambda _: Answer()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = Received(self.path, headers, body)
                receiver.got.append(received)
                answer = receiver.answer(received)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.location:
                    self.send_header("Location", answer.location)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:  # whoever asked waits no longer
                    self.close_connection = True

        return Handler

    def types(self) -> list[str]:
        """The types of the events so far."""
        return [received.json["type"] for received in [*self.got]]

    def gets(self, kind: str, times: int = 1) -> bool:
        """Whether events of this type arrive, so many."""
        return eventually(lambda: self.types().count(kind) >= times)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver(port)
    try:
        yield receiver
    finally:
        receiver.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found
