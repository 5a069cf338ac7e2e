"""One process for all parsers, and raw sockets to ask it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.http1.kinds import Kind
from tests.support.server import PATIENCE, ROOT, environment

AT_ONCE = 12
Answers = list[tuple[int, bytes]]


class Parsers:
    """The process, and the ports of its servers: "h11 trusted" and so on."""

    def __init__(self, database: Path, session: str, **settings: object) -> None:
        env = environment(PROJECT_SETTINGS=json.dumps({"ROOT_URLCONF": "tests.http1.urls", **settings}))
        env["PROJECT_DATABASE"] = str(database)
        command = [sys.executable, "-m", "tests.http1.parsers"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.ports: dict[str, int] = json.loads(self._process.stdout.readline())
        self.far = self.ports.pop("far")
        self.session = session

    @property
    def memory(self) -> int:
        """Bytes that the process has resident."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def stop(self) -> None:
        self._process.communicate("", timeout=PATIENCE)

    def ask_all(self, asked: list[tuple[str, str, Kind]]) -> dict[tuple[str, str, str], Answers]:
        """What is answered to each kind by (server, upstream), several of them asked side by side."""

        def ask(one: tuple[str, str, Kind]) -> tuple[tuple[str, str, str], Answers]:
            server, upstream, kind = one
            return (server, upstream, kind.name), self.ask(server, upstream, kind)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(pool.map(ask, asked))

    def ask(self, server: str, upstream: str, kind: Kind) -> Answers:
        """What is answered to one."""
        sent = kind.sent.replace(b"{p}", f"/{upstream}".encode()).replace(b"{session}", self.session.encode())
        return answers(exchange(self.ports[server], sent, finished=kind.finished))


def exchange(port: int, sent: bytes, *, finished: bool) -> bytes:
    """Everything that a server sends in answer, until it closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        with contextlib.suppress(ConnectionError):  # it may be refused before it is all sent
            connection.sendall(sent)
            if finished:
                connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(2**16):
                received += data
    return received


def answers(received: bytes) -> Answers:
    """Status and body of each final answer in what a server has sent."""
    found: Answers = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        status = int(head[9:12])
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if b"content-length" in fields:
            length = int(fields[b"content-length"])
            if received[:length].startswith(b"HTTP/1.1 "):  # to a HEAD
                length = 0
            found.append((status, received[:length]))
            received = received[length:]
        elif fields.get(b"transfer-encoding") == b"chunked":
            body, _, received = received.partition(b"0\r\n\r\n")
            found.append((status, body))
        elif status >= 200:
            found.append((status, b""))
    return found


@pytest.fixture(scope="session")
def session(database: Path) -> str:
    """The key of a session of "staff"."""
    script = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "from django.contrib.auth.models import User\n"
        "client = Client(); client.force_login(User.objects.get(username='staff'))\n"
        "print(client.cookies['sessionid'].value)\n"
    )
    env = environment(DJANGO_SETTINGS_MODULE="tests.project.settings", PROJECT_DATABASE=str(database))
    return subprocess.run(
        [sys.executable, "-c", script], env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def start(database: Path, session: str) -> Iterator[Callable[..., Parsers]]:
    """Start the process, with these settings of the project."""
    started: list[Parsers] = []

    def begin(**settings: object) -> Parsers:
        started.append(Parsers(database, session, **settings))
        return started[-1]

    yield begin
    for parsers in started:
        parsers.stop()
