"""The final values of written rows, before they are rolled back: `stock = stock - 1` and `stock = 16` may be equal.

Statements are compared as text. Here the database is available, so the rows that both sides have written are read at
the end; what is equal then is no difference.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.parity.difference import Difference
from gateway.parity.rows import UNKNOWN, Rows, Value, reduced
from gateway.parity.writing import rows_of

__all__ = ["Finals", "read_finals", "without_equal_rows"]

MOST = 200  # rows that are read of a table
WHICH = re.compile(r"(\w+)=(.+)", re.DOTALL)

Finals = Mapping[tuple[str, str], Mapping[str, Value]]  # by table and primary key, the columns


def read_finals(connection: Any, rows: Rows) -> dict[tuple[str, str], dict[str, Value]]:
    """The current values of the rows that these statements have written and name by key."""
    keys = defaultdict[str, set[str]](set)
    for written in rows.written:
        for row in rows_of(written, rows.tables.get(written.table, UNKNOWN)):
            if row.kind == "update" and row.key is not None and len(keys[row.table]) < MOST:
                keys[row.table].add(row.key)
    found: dict[tuple[str, str], dict[str, Value]] = {}
    for table, wanted in keys.items():
        found |= _read(connection, table, rows.tables.get(table, UNKNOWN).key, sorted(wanted))
    return found


def _read(connection: Any, table: str, key: str, wanted: list[str]) -> dict[tuple[str, str], dict[str, Value]]:
    quote = connection.ops.quote_name
    places = ", ".join(["%s"] * len(wanted))
    name = ".".join(quote(part) for part in table.split("."))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {name} WHERE {quote(key)} IN ({places})", wanted)  # noqa: S608 - quoted
        columns = [column[0] for column in cursor.description]
        rows = [{column: reduced(value) for column, value in zip(columns, row, strict=True)} for row in cursor]
    return {(table, str(row[key])): row for row in rows if row.get(key) is not None}


def without_equal_rows(differences: Iterable[Difference], legacy: Finals, service: Finals) -> list[Difference]:
    """The differences, without those in rows that are equal in the end, and with the final values in the others."""
    found = []
    for difference in differences:
        settled = _settled(difference, legacy, service)
        if settled is not None:
            found.append(settled)
    return found


def _settled(difference: Difference, legacy: Finals, service: Finals) -> Difference | None:
    if difference.kind != "row" or (which := WHICH.fullmatch(difference.which)) is None:
        return difference
    table, _, column = difference.pointer.removeprefix("row:").partition(":")
    was, now = legacy.get((table, which[2])), service.get((table, which[2]))
    if was is None or now is None:
        return difference
    if not column:
        names = [name for side in (difference.expected, difference.actual) if isinstance(side, dict) for name in side]
        return None if names and all(was.get(name) == now.get(name) for name in names) else difference
    if was.get(column) == now.get(column):
        return None
    return replace(difference, expected=was.get(column), actual=now.get(column))
