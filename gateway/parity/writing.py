"""The rows that a statement wrote: what it says (statement.py), with the values of one execution.

A statement that can't be parsed is only known to write to its table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.parity.rows import TableInfo, Value, Written
from gateway.parity.sql_reader import Expression, UnreadableStatement
from gateway.parity.statement import StatementShape, shape_of

__all__ = ["Row", "rows_of"]

EQUALS = re.compile(r"(\w+) = %s ")
AMONG = re.compile(r"(\w+) IN \( %s(?: , %s)* \) ", re.IGNORECASE)
# The CASE expression of bulk_update: a value for each row, by key.
CASES = re.compile(
    r"(?:\( )?(?:CAST \( )?CASE (?P<cases>(?:WHEN (?:\( )?(?P<key>\w+) = %s (?:\) )?THEN "
    r"(?:%s |NULL |\( %s \) :: \w+ |%s :: \w+ |CAST \( %s AS [^%]+? \) ))+)"
    r"ELSE NULL END (?:AS [^%]+ \) )?(?:\) )?(?::: .+)?",
)
CASE = re.compile(r"WHEN (?:\( )?(?P<key>\w+) = %s (?:\) )?THEN (?P<then>NULL|.*?%s)")


@dataclass(frozen=True, slots=True)
class Row:
    """One row that a statement wrote, or several.

    `kind` is "insert", "update" or "delete". `columns` are those that it sets. `key` is the primary key if the row is
    identified by it; otherwise `where` has the condition and its values, and `count` the number of matching rows, None
    if unknown. `meant` are the columns that were set deliberately: empty for a statement that sets all of them, as
    `save()` does, whether or not they have changed. `given`: the statement itself had the key. `readable`: what it did
    is known; otherwise only the table and the kind are.
    """

    table: str
    kind: str
    at: float
    columns: Mapping[str, Value]
    key: str | None = None
    where: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    count: int | None = 1
    meant: frozenset[str] = frozenset()
    given: bool = True
    readable: bool = True


def rows_of(written: Written, table: TableInfo) -> list[Row]:
    """The rows that a statement wrote to `table`."""
    if written.rows == 0:
        return []
    kind = _kind(written.statement)
    try:
        if written.values is None:
            raise UnreadableStatement
        shape = shape_of(written.statement)
        if shape.kind == "insert":
            return list(_inserted(shape, written, table))
        return list(_changed(shape, written, table))
    except UnreadableStatement:
        return [Row(written.table, kind, written.at, {}, count=written.rows, readable=False)]


def _kind(statement: str) -> str:
    """By the first word; other statements that write (REPLACE, MERGE, WITH) may do several of these."""
    first = statement.lstrip()[:6].lower()
    return first if first in ("insert", "update", "delete") else "write"


def _inserted(shape: StatementShape, written: Written, table: TableInfo) -> Iterator[Row]:
    groups = list(_groups(shape, written.values or ()))
    if shape.unsure and written.rows != len(groups):
        raise UnreadableStatement
    for values in groups:
        columns = dict(zip(shape.columns, values, strict=True))
        columns = {name: value for name, value in columns.items() if value != "= DEFAULT "}
        given = columns.get(table.key)
        key = given if isinstance(given, str) else written.key
        yield Row(written.table, "insert", written.at, columns, key, given=given is not None)


def _groups(shape: StatementShape, values: Sequence[Value] | Mapping[str, Value]) -> Iterator[tuple[Value, ...]]:
    if not shape.arrays:
        for group in shape.groups:
            yield tuple(expression.value(values) for expression in group)
        return
    columns = [expression.values(values)[0] for expression in shape.groups[0]]
    if any(not isinstance(column, tuple) or len(column) != len(columns[0] or ()) for column in columns):
        raise UnreadableStatement
    yield from zip(*columns, strict=True)


def _changed(shape: StatementShape, written: Written, table: TableInfo) -> Iterator[Row]:
    values = written.values or ()
    keys = _keys(shape, values, table)
    count = written.rows
    if keys is not None and count in (None, len(keys)):
        for key in keys:
            columns = {
                column: _of_row(expression, key, values, table)
                for column, expression in zip(shape.columns, shape.groups[0] if shape.groups else (), strict=True)
            }
            meant = frozenset() if 0 < table.columns <= len(columns) else frozenset(columns)
            yield Row(written.table, shape.kind, written.at, columns, key, meant=meant)
        return
    expressions = shape.groups[0] if shape.groups else ()
    columns = {column: expression.value(values) for column, expression in zip(shape.columns, expressions, strict=True)}
    where = tuple(sorted((expression.text, expression.values(values)) for expression in shape.where))
    yield Row(written.table, shape.kind, written.at, columns, None, where, count, frozenset(columns))


def _keys(shape: StatementShape, values: Sequence[Value] | Mapping[str, Value], table: TableInfo) -> list[str] | None:
    """The primary keys that a condition names; None if it names none."""
    for expression in shape.where:
        found = EQUALS.fullmatch(expression.text) or AMONG.fullmatch(expression.text)
        if found is not None and found[1] == table.key:
            named = dict.fromkeys(expression.values(values))
            keys = [key for key in named if isinstance(key, str)]
            return keys if len(keys) == len(named) else None
    return None


def _of_row(expression: Expression, key: str, values: Sequence[Value] | Mapping[str, Value], table: TableInfo) -> Value:
    """The value of an expression for the row with this key."""
    cases = CASES.fullmatch(expression.text)
    if cases is None or cases["key"] != table.key:
        return expression.value(values)
    left = list(expression.values(values))
    for case in CASE.finditer(cases["cases"]):
        if case["key"] != table.key:
            raise UnreadableStatement
        of, then = left.pop(0), None if case["then"] == "NULL" else left.pop(0)
        if of == key:
            return then
    return None
