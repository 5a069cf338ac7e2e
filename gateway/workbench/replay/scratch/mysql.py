"""Copies of MariaDB and MySQL databases, by a dump."""

from __future__ import annotations

import os
import shutil
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.workbench.replay.scratch.names import AGE, PREFIX, CantCopy, age_of, new_name
from gateway.workbench.replay.scratch.pipe import pipe

__all__ = ["MysqlCopies", "clean"]

DUMPS = ("mariadb-dump", "mysqldump")
LEFT = """
SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE %s
AND schema_name NOT IN (SELECT DISTINCT db FROM information_schema.processlist WHERE db IS NOT NULL)
"""


class MysqlCopies:
    """Copies of one database, one for each process. A connection to each is kept open, so that `clean` doesn't take it
    for abandoned."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection: Any = connection
        self._name = new_name(connection.alias)
        self._made: list[str] = []
        self._kept: list[Any] = []

    def make(self, count: int) -> list[dict[str, Any]]:
        """Make `count` copies; returns the changed values of DATABASES for each. Raises CantCopy."""
        for number in range(count):
            name = f"{self._name}_{number}"
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(f"CREATE DATABASE {self._connection.ops.quote_name(name)}")
            except DatabaseError as exc:
                raise CantCopy(
                    f"DATABASES[{self._connection.alias!r}]: no copy to replay in can be made: {exc}; its user needs "
                    f"GRANT ALL ON `{PREFIX.replace('_', chr(92) + '_')}%`.*"
                ) from exc
            self._made.append(name)
            self._dump(name)
            parameters = {**self._connection.get_connection_params(), "database": name}
            self._kept.append(self._connection.get_new_connection(parameters))
        return [{"NAME": name} for name in self._made]

    def _dump(self, name: str) -> None:
        dump = next((found for program in DUMPS if (found := shutil.which(program))), None)
        if dump is None:
            raise CantCopy(f"there is neither of {', '.join(DUMPS)} to copy DATABASES[{self._connection.alias!r}] with")
        client, settings = self._connection.client, self._connection.settings_dict
        arguments, env = client.settings_to_cmd_args_env(settings, ["--routines", "--triggers", "--single-transaction"])
        into, _ = client.settings_to_cmd_args_env({**settings, "NAME": name}, [])
        database = str(settings["NAME"])
        rest = [argument for argument in arguments[1:] if argument != database]
        pipe([dump, *rest, database], into, {**os.environ, **(env or {})}, self._connection.alias)

    def drop(self) -> None:
        """Delete them."""
        for database in self._kept:
            database.close()
        for name in self._made:
            _drop(self._connection, name)


def clean(connection: BaseDatabaseWrapper) -> list[str]:
    """Delete the copies on this server that have no connection. Returns their names."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT, [PREFIX.replace("_", r"\_") + "%"])
        found = [name for (name,) in cursor.fetchall() if (age_of(name) or 0) > AGE]
    for name in found:
        _drop(connection, name)
    return found


def _drop(connection: BaseDatabaseWrapper, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(name)}")
