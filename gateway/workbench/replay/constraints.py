"""Checks foreign keys at the end of a transaction, as SQLite does at a commit.

`PRAGMA foreign_key_check` reads whole tables. Here, the written rows are known: only these are checked, by their keys,
and what refers to deleted rows. A whole table is read only if what was written to it isn't known by key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError

from gateway.context.models import kept_elsewhere
from gateway.parity.rows import UNKNOWN, Rows, TableInfo
from gateway.parity.tables import plain
from gateway.parity.writing import Row, rows_of

__all__ = ["check_foreign_keys"]

MOST = 500  # keys that are checked for a table; older versions of SQLite take 999 values in a statement


@dataclass(frozen=True, slots=True)
class _Reference:
    """A column that refers to another table. `table` and `target` are spelled as in SQLite's schema; `key` is the
    referenced column, "" if there are several or none is named."""

    table: str
    column: str
    target: str
    key: str


class _Schema:
    """All references of a database: `of` has those in a table, `to` those to a table, by its name in lower case."""

    def __init__(self, connection: Any) -> None:
        self.of: dict[str, list[_Reference]] = defaultdict(list)
        self.to: dict[str, list[_Reference]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in cursor.fetchall():
                for one in _references(connection, cursor, table):
                    self.of[plain(table)].append(one)
                    self.to[plain(one.target)].append(one)


def _references(connection: Any, cursor: Any, table: str) -> Iterator[_Reference]:
    cursor.execute(f"PRAGMA foreign_key_list({connection.ops.quote_name(table)})")
    rows = cursor.fetchall()
    columns = defaultdict[int, int](int)
    for number, *_ in rows:
        columns[number] += 1
    for number, _, target, column, key, *_ in rows:
        yield _Reference(table, column, target, key if key and columns[number] == 1 else "")


@dataclass(slots=True)
class _ToCheck:
    """What has to be checked: `whole` tables; keys of rows that were `written`, by table and key column; keys of rows
    that are `gone`, by table."""

    whole: set[str] = field(default_factory=set)
    written: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    gone: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))


_schemas: dict[tuple[str, str], _Schema] = {}  # by alias and file


def check_foreign_keys(connection: Any, rows: Rows | None, written: frozenset[str]) -> None:
    """Check foreign keys after `rows` were written to the tables `written`. Raises IntegrityError if a commit would."""
    place = connection.alias, str(connection.settings_dict["NAME"])
    if (schema := _schemas.get(place)) is None:
        schema = _schemas[place] = _Schema(connection)
    check = _to_check(schema, rows, written)
    with connection.cursor() as cursor:
        for (table, key), keys in check.written.items():
            if keys and table not in check.whole and not _are_whole(connection, cursor, schema.of[table], key, keys):
                check.whole.add(table)
        for (table, _), keys in check.gone.items():
            for one in schema.to[table]:
                if plain(one.table) not in check.whole:
                    _check_nobody(connection, cursor, one, keys)
    if check.whole:
        connection.check_constraints(table_names=sorted(check.whole & (schema.of.keys() | schema.to.keys())))


def _to_check(schema: _Schema, rows: Rows | None, written: frozenset[str]) -> _ToCheck:
    check = _ToCheck()
    known: Mapping[str, TableInfo] = {} if rows is None else rows.tables
    statements = () if rows is None or rows.cut else rows.written
    found = [(one.table, rows_of(one, known.get(one.table, UNKNOWN))) for one in statements]
    for table in written - {table for table, _ in found} - kept_elsewhere():
        _check_all(schema, table, check)
    for table, changed in found:
        for row in changed:
            _add(schema, row, known.get(table, UNKNOWN).key, check)
    for keyed in (check.written, check.gone):
        for (table, key), keys in [*keyed.items()]:
            if len(keys) > MOST:
                del keyed[table, key]
                _check_all(schema, table, check)
    return check


def _check_all(schema: _Schema, table: str, check: _ToCheck) -> None:
    check.whole |= {table} | {plain(one.table) for one in schema.to.get(table, ())}


def _add(schema: _Schema, row: Row, key: str, check: _ToCheck) -> None:
    """Add what has to be checked after `row` was changed; `key` is the column that identifies it."""
    of, to = schema.of.get(row.table, ()), schema.to.get(row.table, ())
    if not row.readable:
        _check_all(schema, row.table, check)
        return
    if row.kind == "delete":
        check.written[row.table, key].discard(row.key or "")
        if to and row.key is not None and all(one.key == key for one in to):
            check.gone[row.table, key].add(row.key)
        else:
            check.whole |= {plain(one.table) for one in to}
        return
    if row.kind == "insert" or not row.columns.keys().isdisjoint(one.column for one in of):
        if of and row.key is not None and all(one.key for one in of):
            check.written[row.table, key].add(row.key)
        elif of:
            check.whole.add(row.table)
    if row.kind == "update" and not row.columns.keys().isdisjoint(one.key for one in to):
        check.whole |= {plain(one.table) for one in to}


def _are_whole(connection: Any, cursor: Any, references: Iterable[_Reference], key: str, keys: set[str]) -> bool:
    """Check the rows with these `keys`. Returns False if some of them aren't found: then their keys are stored in
    another form."""
    quote = connection.ops.quote_name
    dangling = " OR ".join(
        f"(w.{quote(one.column)} NOT NULL AND NOT EXISTS (SELECT 1 FROM {_joined(quote, one, 'w')}))"  # noqa: S608 - quoted
        for one in references
    )
    table = quote(next(iter(references)).table)
    places = ", ".join(["%s"] * len(keys))
    statement = f"SELECT count(*), total({dangling}) FROM {table} w WHERE w.{quote(key)} IN ({places})"  # noqa: S608 - as above
    cursor.execute(statement, sorted(keys))
    count, bad = cursor.fetchone()
    if bad:
        raise IntegrityError(f"a row of {table} refers to one that is not there")
    return bool(count == len(keys))


def _joined(quote: Callable[[str], str], one: _Reference, alias: str) -> str:
    """The FROM and WHERE clauses that select the row to which a reference refers. `alias` is the name of the
    reference's own table."""
    return f"{quote(one.target)} t WHERE t.{quote(one.key)} = {alias}.{quote(one.column)}"


def _check_nobody(connection: Any, cursor: Any, one: _Reference, keys: set[str]) -> None:
    """Check that no row refers by `one` to deleted rows."""
    quote = connection.ops.quote_name
    places = ", ".join(["%s"] * len(keys))
    cursor.execute(
        f"SELECT 1 FROM {quote(one.table)} r WHERE r.{quote(one.column)} IN ({places})"  # noqa: S608 - quoted
        f" AND NOT EXISTS (SELECT 1 FROM {_joined(quote, one, 'r')}) LIMIT 1",
        sorted(keys),
    )
    if cursor.fetchone() is not None:
        raise IntegrityError(f"a row of {one.table} refers to one that is deleted")
