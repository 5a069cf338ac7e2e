"""Callers of a server that stops or reloads: what becomes of each request is counted."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

PATIENCE = 30.0  # seconds; only a failing test waits that long


def connect(url: str) -> http.client.HTTPConnection:
    """A connection to the server at `url`; `unix:PATH` is a Unix socket."""
    if not url.startswith("unix:"):
        return http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    connection = http.client.HTTPConnection("localhost", timeout=PATIENCE)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(PATIENCE)
    try:
        connection.sock.connect(url.removeprefix("unix:"))
    except OSError:
        connection.close()
        raise
    return connection


def ask(url: str, path: str) -> Any:
    """The JSON of one answer, which must be 200."""
    connection = connect(url)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    assert answer.status == 200, body
    return json.loads(body)


class Callers:
    """Threads that ask `path` again and again, half of them on kept connections, until the block ends.

    `answers` counts good answers by their bodies, `refused` how often nobody was listening, `lost` what went wrong.
    """

    def __init__(self, url: str, path: str, number: int = 4) -> None:
        self._url = url
        self._path = path
        self._over = threading.Event()
        self.answers: Counter[str] = Counter()
        self.refused = 0
        self.lost: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._call, args=(bool(i % 2),), daemon=True) for i in range(number)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def until(self, answer: str) -> None:
        """Wait until somebody got this answer."""
        deadline = time.monotonic() + PATIENCE
        while answer not in self.answers:
            assert time.monotonic() < deadline, (answer, self.answers, self.lost)
            time.sleep(0.02)

    def _call(self, keep: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._over.is_set():
            try:
                connection = connection or connect(self._url)
                kept = self._ask(connection) and keep
                time.sleep(0.003)  # leave something of the processor to who starts
            except (ConnectionRefusedError, FileNotFoundError):
                self.refused += 1
                kept = False
                time.sleep(0.01)
            except (OSError, http.client.HTTPException) as exc:
                self.lost[repr(exc)] += 1
                kept = False
            if connection is not None and not kept:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> bool:
        """Ask once. Whether the connection can be kept."""
        if connection.sock is None:
            connection.connect()
        connection.auto_open = 0  # it would hide that the server has closed it
        connection.request("GET", self._path)
        answer = connection.getresponse()
        body = answer.read().decode()
        (self.answers if answer.status == 200 else self.lost)[body] += 1
        return not answer.will_close
