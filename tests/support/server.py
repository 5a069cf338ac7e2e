"""Real servers: `uvicorn gateway.asgi:app` in a process of its own, and sockets to talk to it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds; only a failing test waits that long
READY = re.compile(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")


def environment(**more: str) -> dict[str, str]:
    """This process's environment for a server: with the repository importable, without the demo's settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "GATEWAY_", "PYTEST_"))}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "NO_PROXY": "*"} | more


def eventually(check: Callable[[], bool]) -> bool:
    """Whether `check` comes true: for what a server does after its answer, of which nobody is told."""
    deadline = time.monotonic() + PATIENCE
    while not (true := check()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return true


class Server:
    """A gateway under uvicorn. `log` has what it printed; `exit_code` is None while it runs."""

    def __init__(
        self,
        folder: Path,
        toml: str,
        *arguments: str,
        settings: dict[str, Any] | None = None,
        database: Path | None = None,
    ) -> None:
        self.folder = folder
        config = folder / "gateway.toml"
        config.write_text(toml)
        env = environment(GATEWAY_CONFIG=str(config), PROJECT_SETTINGS=json.dumps(settings or {}))
        env["PROJECT_UPLOADS"] = str(folder)
        if database is not None:
            env["PROJECT_DATABASE"] = str(database)
        command = [sys.executable, "-m", "uvicorn", "gateway.asgi:app", "--host", "127.0.0.1", "--port", "0"]
        self._process = subprocess.Popen(
            [*command, "--no-access-log", *arguments],
            env=env,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._lines: list[str] = []
        self._settled = threading.Event()  # it serves, or it has ended
        self.port = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if found := READY.search(line):
                self.port = int(found[1])
                self._settled.set()
        self._settled.set()

    def __enter__(self) -> Self:
        assert self._settled.wait(PATIENCE), f"the server does not start:\n{self.log}"
        assert self.port, f"the server ended:\n{self.log}"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """Everything printed so far."""
        return "".join(self._lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self) -> int:
        """The exit status, once it has ended by itself."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def stop(self) -> str:
        """Ask it to end, and return its whole log."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return self.log

    # -- talking to it --------------------------------------------------------------------------

    def request(
        self, target: str, method: str = "GET", *, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def ask_at_once(self, requests: Iterable[tuple[str, str]]) -> list[tuple[int, bytes]]:
        """Status and body for each (method, target), all of them asked at the same time."""

        async def ask(method: str, target: str) -> tuple[int, bytes]:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            try:
                async with asyncio.timeout(2 * PATIENCE):
                    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.close()
            return int(head.split(b" ", 2)[1]), body

        async def ask_all() -> list[tuple[int, bytes]]:
            return await asyncio.gather(*(ask(method, target) for method, target in requests))

        return asyncio.run(ask_all())

    def json(self, target: str, method: str = "GET", **more: Any) -> Any:
        """The JSON of an answer that must be 200."""
        reply = self.request(target, method, **more)
        assert reply.status == 200, reply
        return json.loads(reply.body)

    def connect(self) -> Wire:
        """A bare connection."""
        return Wire(self.port)

    def raw(self, request: bytes) -> bytes:
        """Everything the server answers to these bytes until it closes the connection."""
        with self.connect() as wire:
            wire.send(request)
            return wire.rest()

    def status_of(self, *lines: str) -> int:
        """The status of a request made of these lines, as they are."""
        head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
        answer = self.raw(head)
        return int(answer.split(b" ", 2)[1]) if answer else 0

    def open_gate(self, name: str) -> None:
        """Let the view that waits for `name` go on."""
        assert self.request(f"/gates/{name}/open/", "POST").status == 200

    def await_gate(self, name: str) -> bool:
        """Wait until the server opens `name`; False when it does not."""
        return self.request(f"/gates/{name}/wait/").body == b"open"


class Reply:
    """An answer as a client sees it."""

    def __init__(self, status: int, lines: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.lines = lines
        self.body = body

    def __repr__(self) -> str:
        return f"Reply({self.status}, {self.lines}, {self.body[:300]!r})"

    def __getitem__(self, name: str) -> str | None:
        found = self.all(name)
        return ", ".join(found) if found else None

    def all(self, name: str) -> list[str]:
        """Every line of a header."""
        return [value for key, value in self.lines if key.lower() == name.lower()]

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Wire:
    """A socket with a buffer. Every wait ends in an error rather than never."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(("127.0.0.1", port))
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def finish(self) -> None:
        """Send nothing more."""
        self._socket.shutdown(socket.SHUT_WR)

    def get(self, target: str, *lines: str) -> None:
        """Send a GET request."""
        self.send("\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode("latin-1"))

    def until(self, marker: bytes) -> bytes:
        """Everything received, once it contains `marker`. Fails when the server closes before."""
        while marker not in self.received:
            data = self._socket.recv(2**16)
            assert data, f"closed before {marker!r}: {self.received[-300:]!r}"
            self.received += data
        return self.received

    def rest(self) -> bytes:
        """Everything received until the server closes, or resets, the connection."""
        with contextlib.suppress(ConnectionResetError):
            while data := self._socket.recv(2**16):
                self.received += data
        return self.received
