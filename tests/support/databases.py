"""An empty database of each kind that projects use, for servers that write into it."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.support.postgres import postgres_database

KINDS = ("sqlite", "postgres", "mariadb")
HOST = os.environ.get("TEST_MARIADB_HOST", "127.0.0.1")
PORT = int(os.environ.get("TEST_MARIADB_PORT", "3306"))
USER = os.environ.get("TEST_MARIADB_USER", "root")
MISSING = (
    f"these tests need MariaDB on {HOST}:{PORT} that lets the user {USER!r} in without a password; "
    "TEST_MARIADB_HOST, TEST_MARIADB_PORT and TEST_MARIADB_USER name another one"
)

_numbers = itertools.count()


class Database:
    """One database. `settings` is an entry of DATABASES; `select` gives the first column of what a query finds."""

    def __init__(self, settings: dict[str, Any], select: Callable[[str], list[Any]]) -> None:
        self.settings = settings
        self.select = select


def known_as(alias: str, settings: dict[str, Any]) -> None:
    """Let Django know a database by this alias."""
    connections.settings[alias] = connections.configure_settings({"default": {}, alias: settings})[alias]


@contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[Database]:
    """An empty one of `KINDS`, dropped in the end. Fails the test where its server is missing."""
    makers = {"sqlite": _sqlite, "postgres": _postgres, "mariadb": _mariadb}
    with makers[kind](folder) as database:
        yield database


@contextmanager
def _sqlite(folder: Path) -> Iterator[Database]:
    path = folder / "db.sqlite3"

    def select(query: str) -> list[Any]:
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            return [row[0] for row in connection.execute(query)]

    options = {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode = wal"}
    yield Database({"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}, select)


@contextmanager
def _postgres(_: Path) -> Iterator[Database]:
    with postgres_database() as postgres:
        yield Database(postgres.settings()["DATABASES"]["default"], postgres.select)


@contextmanager
def _mariadb(_: Path) -> Iterator[Database]:
    import MySQLdb

    name = f"gateway_test_{os.getpid()}_{next(_numbers)}"
    place = {"host": HOST, "port": PORT, "user": USER}
    try:
        admin = MySQLdb.connect(**place, autocommit=True)
    except MySQLdb.OperationalError as exc:
        pytest.fail(f"{MISSING} ({exc})")

    def select(query: str) -> list[Any]:
        with closing(MySQLdb.connect(**place, db=name)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return [row[0] for row in cursor.fetchall()]

    with closing(admin), admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            settings = {"ENGINE": "django.db.backends.mysql", "NAME": name, "HOST": HOST, "PORT": PORT, "USER": USER}
            yield Database(settings, select)
        finally:
            cursor.execute(f"DROP DATABASE {name}")
