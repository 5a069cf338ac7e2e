"""Connections to PostgreSQL: as many as there are threads, and none that a request has forgotten."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import websockets

from tests.conftest import project_toml
from tests.project import settings as project_settings
from tests.support.postgres import Postgres, postgres_database
from tests.support.server import Server, environment, eventually

pytestmark = [pytest.mark.server, pytest.mark.slow]

THREADS = 8
MOST_THREADS = THREADS + 4 + 4  # and those of services and of their middleware
BRIDGED = """
[services.bridged]
app = "{app}"
{more}

[[routes]]
name = "b"
prefix = "/b"
service = "bridged"
"""


@pytest.fixture(scope="session")
def migrated() -> Iterator[Postgres]:
    """A database with the test project's tables."""
    with postgres_database() as postgres:
        env = environment(
            DJANGO_SETTINGS_MODULE="tests.project.settings", PROJECT_SETTINGS=json.dumps(postgres.settings())
        )
        subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], env=env, check=True)
        yield postgres


@pytest.fixture
def postgres(migrated: Postgres) -> Iterator[Postgres]:
    """The same without a user."""
    yield migrated
    migrated.execute("TRUNCATE auth_user CASCADE")


@pytest.fixture
def start(postgres: Postgres, serve: Callable[..., Server]) -> Callable[..., Server]:
    """Start a server with these keys of its database."""

    def start(
        *,
        app: str = "tests.project.bridged:app",
        service: str = "",
        settings: dict[str, Any] | None = None,
        **database: Any,
    ) -> Server:
        toml = project_toml(BRIDGED.format(app=app, more=service), threads=THREADS)
        return serve(toml, settings=postgres.settings(**database) | (settings or {}))

    return start


def statuses(answers: list[tuple[int, bytes]]) -> Counter[int]:
    return Counter(status for status, _ in answers)


MIXED = ("/b/count/async/", "/b/count/raises/", "/b/count/background/", "/b/count/sync-stream/", "/orm/", "/async/orm/")
FAILURES = ("", "", "409", "raise")
KINDS = ("create", "create-async", "create-mixed")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"CONN_MAX_AGE": None}, id="kept", marks=pytest.mark.proof),
        pytest.param({"OPTIONS": {"pool": True}}, id="pool"),
    ],
)
def test_rows_equal_the_successful_answers(start, postgres, options):
    requests = [
        ("POST", f"/b/{KINDS[number % 3]}/user-{number}/?fail={FAILURES[number // 3 % 4]}") for number in range(1000)
    ]
    with start(**options) as server:
        answers = server.ask_at_once(requests)
    succeeded = [json.loads(body)["created"] for status, body in answers if status == 200]
    assert statuses(answers).keys() == {200, 409, 500}
    assert len(succeeded) == 502
    assert sorted(postgres.select("SELECT username FROM auth_user")) == sorted(succeeded)


def test_open_connections_are_at_most_the_threads(start, postgres):
    with start(CONN_MAX_AGE=None) as server:
        server.ask_at_once(("GET", MIXED[number % len(MIXED)]) for number in range(1000))
        assert 0 < len(postgres.backends()) <= MOST_THREADS
        assert eventually(lambda: {state for _, state in postgres.backends()} == {"idle"})
        assert server.request("/b/plain/").status == 200


def test_without_persistence_none_is_open_once_idle(start, postgres):
    with start(CONN_MAX_AGE=0) as server:
        assert statuses(server.ask_at_once([("GET", "/b/count/async/"), ("GET", "/orm/")] * 150)) == {200: 300}
        assert eventually(lambda: not postgres.backends())


@pytest.mark.parametrize("checked", [True, False], ids=["checked", "unchecked"])
@pytest.mark.proof
def test_a_killed_connection_costs_its_thread_one_request_at_most(start, postgres, checked):
    every = [("GET", target) for target in ("/b/count/async/", "/b/count/sync-stream/", "/orm/")]
    with start(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=checked) as server:
        assert statuses(server.ask_at_once(every * 50)) == {200: 150}
        killed = postgres.kill_backends()
        assert killed
        failed = [server.request(target).status for _, target in every * 20].count(500)
        assert failed <= (0 if checked else killed)
        assert statuses(server.ask_at_once(every * 20)).keys() <= ({200} if checked else {200, 500})
        assert eventually(lambda: statuses(server.ask_at_once(every * 5)) == {200: 15})


# -- psycopg's pool -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4])
def test_a_pool_smaller_than_the_threads_suffices(start, postgres, size):
    """The middleware asks the database on one thread, the service on another, and each needs a connection."""
    pool = {"min_size": 1, "max_size": size, "timeout": 10}
    targets = ["/b/who/", "/b/count/async/", "/b/threads/", "/b/user/sync/", "/b/counter/", "/who/", "/counter/"]
    chain = [*project_settings.MIDDLEWARE, "tests.project.middleware.queries"]
    with start(OPTIONS={"pool": pool}, settings={"MIDDLEWARE": chain}) as server:
        assert [server.request(target).status for target in targets] == [200, 200, 200, 401, 200, 200, 200]
        answers = server.ask_at_once([("GET", target) for target in targets] * 40)
        assert statuses(answers) == {200: 240, 401: 40}
        # PostgreSQL ends the process of a connection that was given up a moment later.
        assert eventually(lambda: len(postgres.backends()) <= size), postgres.backends()


def test_a_pool_gets_its_connections_back_from_whatever_fails(start, postgres):
    with start(OPTIONS={"pool": {"min_size": 1, "max_size": 2, "timeout": 10}}) as server:
        server.ask_at_once(("GET", MIXED[number % len(MIXED)]) for number in range(300))
        assert statuses(server.ask_at_once([("GET", "/b/count/async/")] * 50)) == {200: 50}
        assert eventually(lambda: {state for _, state in postgres.backends()} == {"idle"})


# -- one_thread ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"CONN_MAX_AGE": None}, id="kept", marks=pytest.mark.proof),
        pytest.param({"OPTIONS": {"pool": True}}, id="pool"),
    ],
)
@pytest.mark.proof
def test_tenants_do_not_mix(start, options):
    chain = ["tests.project.middleware.search_path"]
    with start(service="one_thread = true", settings={"MIDDLEWARE": chain}, **options) as server:
        asked = [(f"tenant_{number}", kind) for number in range(25) for kind in ("", "async/")]
        answers = server.ask_at_once(("GET", f"/b/search-path/{kind}?tenant={tenant}") for tenant, kind in asked)
        assert [json.loads(body)["path"] for _, body in answers] == [tenant for tenant, _ in asked]


SEEN = ("sync", "async", "dependency", "stream", "stream-sync", "task", "socket")
LOOKS = {"sync": 1, "async": 1, "dependency": 3, "stream": 3, "stream-sync": 3, "task": 2, "socket": 3}
TENANTS = ("tenant_1", "tenant_2", "tenant_3")


@pytest.fixture
def schemas(postgres):
    """A schema for each tenant, and in it one row that says whose it is."""
    for tenant in TENANTS:
        postgres.execute(f"CREATE SCHEMA {tenant}; CREATE TABLE {tenant}.note AS SELECT '{tenant}' AS owner")
    yield
    for tenant in TENANTS:
        postgres.execute(f"DROP SCHEMA {tenant} CASCADE")


@pytest.mark.parametrize(
    "options",
    [{"CONN_MAX_AGE": 0}, pytest.param({"OPTIONS": {"pool": True}}, marks=pytest.mark.proof)],
    ids=["new", "pool"],
)
def test_a_request_sees_its_tenant_to_its_end(start, schemas, options):
    """600 of three tenants at once, in streams, background tasks, sockets and exits of dependencies too."""
    settings = {"MIDDLEWARE": ["tests.project.middleware.search_path"]}
    service = "one_thread = true"
    asked = [(SEEN[number % 7], TENANTS[number % 3]) for number in range(600)]
    with start(app="tests.project.lifetime:tenants", service=service, settings=settings, **options) as server:
        failed = asyncio.run(_visit(server, [f"/b/{kind}/?tenant={tenant}" for kind, tenant in asked]))
        wanted = Counter({f"{tenant} {tenant}": 0 for tenant in TENANTS})
        for kind, tenant in asked:
            wanted[f"{tenant} {tenant}"] += LOOKS[kind]
        assert eventually(lambda: server.request("/b/looked/").json() == wanted), server.request("/b/looked/").text
    assert failed == 0


async def _visit(server: Server, targets: list[str]) -> int:
    """Ask for them, 40 at a time, and tell how many failed."""
    limit = asyncio.Semaphore(40)

    async def visit(target: str) -> bool:
        async with limit:
            if target.startswith("/b/socket/"):
                async with websockets.connect(f"ws://127.0.0.1:{server.port}{target}", proxy=None) as socket:
                    return [message async for message in socket] == ["looked"] * 3
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            return answer.startswith(b"HTTP/1.1 200")

    return (await asyncio.gather(*map(visit, targets))).count(False)


# -- clients that leave -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["holds", "holds-sync"])
@pytest.mark.proof
def test_clients_that_are_killed_leave_nothing_behind(start, postgres, kind):
    """200 of them, in the middle of a transaction or in the queue for one."""
    with start(CONN_MAX_AGE=0) as server:
        wires = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
        for number, wire in enumerate(wires):
            wire.sendall(f"GET /b/{kind}/{kind}/?user=gone-{number} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert eventually(lambda: [state for _, state in postgres.backends()].count("idle in transaction") == 4)
        assert server.request("/b/plain/").status == 200
        for wire in wires:
            wire.close()
        assert server.request("/b/plain/").status == 200
        assert server.request(f"/b/open/{kind}/", "POST").status == 200
        assert eventually(lambda: not postgres.backends()), postgres.backends()
        assert server.request("/b/count/async/").status == 200
        assert "Traceback" not in server.log
