"""Copies of PostgreSQL databases: by a template, which takes a third of a second, or by pg_dump."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.workbench.replay.scratch.names import AGE, PREFIX, CantCopy, age_of, new_name
from gateway.workbench.replay.scratch.pipe import pipe

__all__ = ["PostgresqlCopies", "clean"]

IN_USE, FORBIDDEN = "55006", "42501"  # SQLSTATE: the template has other connections; no CREATEDB privilege
NOW = ("now", "transaction_timestamp", "statement_timestamp", "clock_timestamp")
LEFT = """
SELECT datname FROM pg_database d WHERE starts_with(datname, %s)
AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = d.datname)
"""


class PostgresqlCopies:
    """Copies of one database, one for each process. A connection to each is kept open, so that `clean` doesn't take it
    for abandoned."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection: Any = connection
        self._source = str(connection.settings_dict["NAME"])
        self._name = new_name(connection.alias)
        self._made: list[str] = []
        self._kept: list[Any] = []

    def make(self, count: int) -> list[dict[str, Any]]:
        """Make `count` copies; returns the changed values of DATABASES for each. Raises CantCopy."""
        names = [f"{self._name}_{number}" for number in range(count)]
        with _server(self._connection) as server:
            self._first(server, names[0])
            self._pin(names[0])
            for name in names[1:]:
                self._create(server, name, names[0])
        self._kept = [_connected(self._connection, name) for name in names]
        return [{"NAME": name} for name in names]

    def _first(self, server: Any, name: str) -> None:
        try:
            self._create(server, name, self._source)
        except Exception as exc:
            state = getattr(exc, "sqlstate", None) or getattr(exc, "pgcode", None)
            if state == FORBIDDEN:
                raise CantCopy(
                    f"DATABASES[{self._connection.alias!r}]: its user may make no database to replay in: "
                    f'ALTER USER "{self._connection.settings_dict["USER"]}" CREATEDB'
                ) from exc
            if state != IN_USE:
                raise CantCopy(
                    f"DATABASES[{self._connection.alias!r}]: no copy to replay in can be made: {exc}"
                ) from exc
            self._create(server, name, "template0")
            self._dump(name)

    def _create(self, server: Any, name: str, template: str) -> None:
        quote = self._connection.ops.quote_name
        _execute(server, f"CREATE DATABASE {quote(name)} TEMPLATE {quote(template)}")
        self._made.append(name)

    def _dump(self, name: str) -> None:
        """Fill a copy of a database that has other connections."""
        client = self._connection.client
        arguments, env = client.settings_to_cmd_args_env(self._connection.settings_dict, [])
        into, _ = client.settings_to_cmd_args_env({**self._connection.settings_dict, "NAME": name}, [])
        env = {**os.environ, **(env or {})}
        dump = ["pg_dump", "--no-owner", "--no-privileges", *arguments[1:]]
        load = [into[0], "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null", *into[1:]]
        pipe(dump, load, env, self._connection.alias)

    def _pin(self, name: str) -> None:
        """Replace functions of the current time by ones that return the time that the connection names."""
        body = "SELECT coalesce(nullif(current_setting(''gateway.now'', true), '''')::timestamptz, pg_catalog.{}())"
        with closing(_connected(self._connection, name)) as database:
            _execute(database, f"CREATE SCHEMA {PREFIX}now")
            for function in NOW:
                _execute(
                    database,
                    f"CREATE FUNCTION {PREFIX}now.{function}() RETURNS timestamptz LANGUAGE sql STABLE "
                    f"AS '{body.format(function)}'",
                )
            quoted = self._connection.ops.quote_name(name)
            _execute(database, f'ALTER DATABASE {quoted} SET search_path = {PREFIX}now, "$user", public, pg_catalog')

    def drop(self) -> None:
        """Delete them."""
        for database in self._kept:
            database.close()
        with _server(self._connection) as server:
            for name in self._made:
                _drop(server, self._connection, name)


def clean(connection: BaseDatabaseWrapper) -> list[str]:
    """Delete the copies on this server that have no connection. Returns their names."""
    with _server(connection) as server:
        found = [name for (name,) in _execute(server, LEFT, [PREFIX]) if (age_of(name) or 0) > AGE]
        for name in found:
            _drop(server, connection, name)
    return found


def _drop(server: Any, connection: BaseDatabaseWrapper, name: str) -> None:
    _execute(server, f"DROP DATABASE IF EXISTS {connection.ops.quote_name(name)} WITH (FORCE)")


def _execute(database: Any, statement: str, values: Sequence[str] | None = None) -> list[Any]:
    """The rows that a statement finds. By a cursor, which connections of psycopg2 need."""
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return [] if cursor.description is None else list(cursor.fetchall())


@contextmanager
def _server(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """A connection to the server but to none of these databases."""
    connection.close()
    with closing(_connected(connection, "postgres")) as server:
        yield server


def _connected(connection: Any, name: str) -> Any:
    try:
        parameters = {**connection.get_connection_params(), "dbname": name}
        opened = connection.get_new_connection(parameters)
    except Exception as exc:
        raise CantCopy(f"DATABASES[{connection.alias!r}]: no connection to {name!r}: {exc}") from exc
    opened.autocommit = True
    return opened
