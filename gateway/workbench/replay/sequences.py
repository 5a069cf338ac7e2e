"""Resets sequences (PostgreSQL) and AUTO_INCREMENT (MariaDB), which a rollback does not reset, so that both sides give
new rows the same keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections

__all__ = ["Sequences"]

SEQUENCES = """
SELECT lower(t.relname), quote_ident(n.nspname) || '.' || quote_ident(s.relname), q.last_value, q.start_value
FROM pg_class s
JOIN pg_namespace n ON n.oid = s.relnamespace
JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i') AND d.classid = 'pg_class'::regclass
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_sequences q ON q.schemaname = n.nspname AND q.sequencename = s.relname
WHERE s.relkind = 'S'
"""
INCREMENTS = """
SELECT LOWER(table_name), table_name, auto_increment FROM information_schema.tables
WHERE table_schema = DATABASE() AND auto_increment IS NOT NULL
"""


READ = {"postgresql": SEQUENCES, "mysql": INCREMENTS}  # by vendor


class Sequences:
    """The sequences of all databases, with their present values: a replay has written nothing yet. Without `keep`,
    nothing is reset, since others use the databases too. SQLite's are rolled back with the rows."""

    def __init__(self, *, keep: bool) -> None:
        kept = [alias for alias in connections if connections[alias].vendor in READ] if keep else []
        self._known = {alias: _read(connections[alias]) for alias in kept}

    def restart(self, tables: Iterable[str]) -> None:
        """Reset the sequences of these tables, so that new rows get the keys of the rows that were rolled back."""
        names = {name.rpartition(".")[2] for name in tables}
        for alias, sequences in self._known.items():
            if known := [sequence for sequence in sequences if sequence[0] in names]:
                connection = connections[alias]
                (_restart_postgresql if connection.vendor == "postgresql" else _restart_mysql)(connection, known)


def _read(connection: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(READ[connection.vendor])
        found: list[Any] = cursor.fetchall()
    return found


def _restart_postgresql(connection: Any, known: list[Any]) -> None:
    calls = ", ".join("setval(%s, %s, %s)" for _ in known)
    values: list[Any] = []
    for _, name, last, start in known:
        values += [name, start if last is None else last, last is not None]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}", values)


def _restart_mysql(connection: Any, known: list[Any]) -> None:
    with connection.cursor() as cursor:
        for _, table, following in known:
            cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} AUTO_INCREMENT = {int(following)}")
