"""PostgreSQL for tests whose subject it is: a database of their own, and a view of who is connected to it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

HOST = os.environ.get("TEST_POSTGRES_HOST", "localhost")
PORT = int(os.environ.get("TEST_POSTGRES_PORT", "5432"))
USER = os.environ.get("TEST_POSTGRES_USER", "postgres")
MISSING = (
    f"these tests need PostgreSQL on {HOST}:{PORT} that lets the role {USER!r} in without a password; "
    "TEST_POSTGRES_HOST, TEST_POSTGRES_PORT and TEST_POSTGRES_USER name another one"
)


_numbers = itertools.count()


class Postgres:
    """One database, seen from outside of the server that is tested."""

    def __init__(self, name: str, admin: psycopg.Connection) -> None:
        self.name = name
        self._admin = admin

    def settings(self, **more: Any) -> dict[str, Any]:
        """What a server is started with: PROJECT_SETTINGS."""
        place = {"NAME": self.name, "HOST": HOST, "PORT": PORT, "USER": USER}
        return {"DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"} | place | more}}

    def backends(self) -> list[tuple[int, str]]:
        """The connections to it: process and state, such as "idle in transaction"."""
        query = "SELECT pid, state FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
        return self._admin.execute(query, [self.name]).fetchall()

    def kill_backends(self) -> int:
        """End every connection to it, and tell how many there were."""
        killed = [self._admin.execute("SELECT pg_terminate_backend(%s)", [pid]) for pid, _ in self.backends()]
        return len(killed)

    def shut(self) -> None:
        """Let nobody in, and throw out who is there."""
        self._admin.execute(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS false')
        self.kill_backends()

    def reopen(self) -> None:
        """Undo `shut`."""
        self._admin.execute(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS true')

    @contextmanager
    def away(self) -> Iterator[None]:
        """The database ends every connection and takes no new one, for as long as the block lasts."""
        self._admin.execute(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS false')
        try:
            self.kill_backends()
            yield
        finally:
            self._admin.execute(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS true')

    def select(self, query: str) -> list[Any]:
        """The first column of what `query` finds."""
        with psycopg.connect(host=HOST, port=PORT, user=USER, dbname=self.name) as connection:
            return [row[0] for row in connection.execute(query)]

    def execute(self, query: str) -> None:
        """Change something."""
        with psycopg.connect(host=HOST, port=PORT, user=USER, dbname=self.name) as connection:
            connection.execute(query)


@contextmanager
def postgres_database() -> Iterator[Postgres]:
    """An empty database, dropped in the end. Fails the test, rather than skipping it, where there is no server."""
    name = f"gateway_test_{os.getpid()}_{next(_numbers)}"
    try:
        admin = psycopg.connect(host=HOST, port=PORT, user=USER, dbname="postgres", autocommit=True)
    except psycopg.OperationalError as exc:
        pytest.fail(f"{MISSING} ({exc})")
    with admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield Postgres(name, admin)
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
