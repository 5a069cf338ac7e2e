"""Writes by every kind of endpoint, while clients are killed and their routes are moved: rows are the successes.

GATEWAY_WRITES says how many there are for each database; 600 where it is not set. With `-o log_cli=true
--log-cli-level=INFO`, what became of them is printed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import websockets

from tests.conftest import project_toml
from tests.project import settings as project_settings
from tests.project.lifetime import TABLE
from tests.support.databases import KINDS as DATABASES
from tests.support.databases import Database, empty_database
from tests.support.operator import Operator
from tests.support.server import PATIENCE, Server, environment

logger = logging.getLogger("tests.writes")

WRITES = int(os.environ.get("GATEWAY_WRITES", "600"))
pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(120 + WRITES // 5)]

CLIENTS = 24
KINDS = (
    *("sync", "plain", "shortly", "async", "async-dependency", "by-hand", "undoable", "session", "empty", "file"),
    *("stream", "stream-sync", "stream-after", "task", "task-async", "socket", "socket-before"),
)
FAILURES = ("", "", "", "", "", "raise", "commit")
MOVES = ("rollback", "promote") * 5  # of each of the two routes, which are live
TOML = """
[services.first]
app = "tests.project.lifetime:first"
breaker = false

[services.second]
app = "tests.project.lifetime:second"
breaker = false
one_thread = true

[rollout]
poll = 0.05

[[routes]]
name = "first"
prefix = "/first"
service = "first"
stage = "live"
key = "none"
guard = false

[[routes]]
name = "second"
prefix = "/second"
service = "second"
stage = "live"
key = "none"
guard = false
"""


class Told:
    """What clients were told: of which rows there must be one, none, or, as they were killed before, at most one."""

    def __init__(self, count: int) -> None:
        self.succeeded: set[str] = set()
        self.failed: set[str] = set()
        self.killed: set[str] = set()
        self.kinds: set[str] = set()  # of the successes
        self._turns = [count * turn // (len(MOVES) + 1) for turn in range(1, len(MOVES) + 1)]
        self.turns = [asyncio.Event() for _ in MOVES]  # each is set when it is time to move

    def note(self, kind: str, name: str, answer: bool | None) -> None:
        """A client was told so; None when it was killed before."""
        {True: self.succeeded, False: self.failed, None: self.killed}[answer].add(name)
        if answer:
            self.kinds.add(kind)
        number = len(self.succeeded) + len(self.failed) + len(self.killed)
        for turn, event in zip(self._turns, self.turns, strict=True):
            if number >= turn:
                event.set()


async def post(port: int, target: str, kill_after: float | None) -> bool | None:
    """Whether a POST was answered with a whole success; None when the client was killed before."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    )
    try:
        if kill_after is not None:
            await asyncio.sleep(kill_after)
            writer.transport.abort()
            return None
        async with asyncio.timeout(2 * PATIENCE):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    except ConnectionError:
        return False
    finally:
        writer.close()
    head = head.lower()
    complete = body.endswith(b"0\r\n\r\n") if b"chunked" in head else f"content-length: {len(body)}".encode() in head
    return head.startswith(b"http/1.1 204") or (head.startswith(b"http/1.1 200") and complete)


async def open_socket(port: int, target: str, kill_after: float | None) -> bool | None:
    """As `post`, for a socket, whose success is that it is closed as planned."""
    try:
        async with websockets.connect(f"ws://127.0.0.1:{port}{target}", proxy=None, open_timeout=PATIENCE) as socket:
            if kill_after is not None:
                await asyncio.sleep(kill_after)
                socket.transport.abort()
                return None
            await asyncio.wait_for(socket.wait_closed(), 2 * PATIENCE)
            return socket.close_code == 1000
    except (websockets.InvalidHandshake, OSError):
        return False


async def client(port: int, numbers: Iterator[int], told: Told) -> None:
    """Write, one row after the other, as long as there are any."""
    for number in numbers:
        chance = random.Random(number)
        kind = KINDS[number % len(KINDS)]
        name = f"{kind}-{number}"
        prefix = chance.choice(("first", "second"))
        kill_after = chance.random() * 0.03 if chance.random() < 0.1 else None
        ask = open_socket if kind.startswith("socket") else post
        answer = await ask(port, f"/{prefix}/{kind}/{name}/?fail={chance.choice(FAILURES)}", kill_after)
        told.note(kind, name, answer)


async def move(operate: Operator, told: Told) -> None:
    """Roll the routes back, and promote them again, one after the other."""
    for verb, turn in zip(MOVES, told.turns, strict=True):
        await turn.wait()
        for route in ("first", "second"):
            await asyncio.to_thread(operate, verb, route, **({"to": "live"} if verb == "promote" else {}))


async def writes(port: int, operate: Operator, numbers: range) -> Told:
    """What clients are told of as many writes."""
    told, left = Told(len(numbers)), iter(numbers)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(move(operate, told))
        for _ in range(CLIENTS):
            tasks.create_task(client(port, left, told))
    return told


@contextmanager
def serving(serve: Callable[..., Server], database: Database, folder, *, atomic: bool) -> Iterator[tuple]:
    """A server on `database`, and who moves its routes."""
    settings = {
        "DATABASES": {"default": {**database.settings, "ATOMIC_REQUESTS": atomic, "CONN_MAX_AGE": None}},
        "INSTALLED_APPS": [*project_settings.INSTALLED_APPS, "gateway.control"],
    }
    config = folder / "gateway.toml"
    config.write_text(project_toml(TOML, threads=16))
    with Operator(config, settings) as operate, serve(config.read_text(), settings=settings) as server:
        yield server, operate


def migrate(database: Database) -> None:
    script = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from django.db import connection\n"
        "call_command('migrate', verbosity=0)\n"
        f"connection.cursor().execute({TABLE!r})\n"
    )
    settings = {
        "DATABASES": {"default": database.settings},
        "INSTALLED_APPS": [*project_settings.INSTALLED_APPS, "gateway.control"],
    }
    env = environment(DJANGO_SETTINGS_MODULE="tests.project.settings", PROJECT_SETTINGS=json.dumps(settings))
    subprocess.run([sys.executable, "-c", script], env=env, check=True)


@pytest.mark.parametrize("kind", DATABASES)
def test_rows_are_the_successes(serve, tmp_path, kind):
    """Of a mixture under ATOMIC_REQUESTS, `one_thread`, both and neither, inside BaseHTTPMiddleware."""
    half = WRITES // 2
    with empty_database(kind, tmp_path) as database:
        migrate(database)
        told = []
        for atomic in (False, True):
            with serving(serve, database, tmp_path, atomic=atomic) as (server, operate):
                told.append(asyncio.run(writes(server.port, operate, range(atomic * half, atomic * half + half))))
            assert "left a transaction open" not in server.log
        rows = Counter(database.select("SELECT name FROM written"))
    succeeded = told[0].succeeded | told[1].succeeded
    failed = told[0].failed | told[1].failed
    killed = told[0].killed | told[1].killed
    counts = len(succeeded), len(failed), len(killed), rows.total()
    logger.info("%s: %d succeeded, %d failed, %d clients killed; %d rows", kind, *counts)
    assert {name: rows[name] for name in succeeded if rows[name] != 1} == {}
    assert {name: rows[name] for name in failed if rows[name]} == {}
    assert {name: count for name, count in rows.items() if count > 1} == {}
    assert rows.keys() - killed == succeeded
    assert len(succeeded) > WRITES / 4
    assert told[0].kinds == told[1].kinds == {*KINDS}
