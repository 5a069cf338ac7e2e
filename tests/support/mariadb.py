"""MariaDB for tests whose subject it is: a database of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

HOST = os.environ.get("TEST_MARIADB_HOST", "127.0.0.1")
PORT = int(os.environ.get("TEST_MARIADB_PORT", "3306"))
USER = os.environ.get("TEST_MARIADB_USER", "root")
MISSING = (
    f"these tests need MariaDB on {HOST}:{PORT} that lets the user {USER!r} in without a password; "
    "TEST_MARIADB_HOST, TEST_MARIADB_PORT and TEST_MARIADB_USER name another one"
)


@contextmanager
def mariadb_database() -> Iterator[str]:
    """The name of an empty database, dropped in the end. Fails the test where there is no server."""
    import MySQLdb

    name = f"gateway_test_{os.getpid()}"
    try:
        admin = MySQLdb.connect(host=HOST, port=PORT, user=USER)
    except MySQLdb.OperationalError as exc:
        pytest.fail(f"{MISSING} ({exc})")
    try:
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
            yield name
            cursor.execute(f"DROP DATABASE `{name}`")
    finally:
        admin.close()
