"""What both sides did in the database. Warnings only: it tells how an answer was made, and what it costs, not what it
says."""

from __future__ import annotations

from decimal import Decimal

from gateway.parity.answer import Sql
from gateway.parity.difference import ABSENT
from gateway.parity.findings import Findings
from gateway.parity.tables import tables_of

__all__ = ["compare_sql"]


def compare_sql(expected: Sql | None, actual: Sql | None, findings: Findings) -> None:
    """Add another number of statements, other tables, and statements repeated for every row that legacy doesn't repeat.

    Nothing where one side was not recorded. Tables are compared only where every statement was.
    """
    if expected is None or actual is None or expected == actual or not findings.rules.sql:
        return
    if expected.count != actual.count:
        findings.add("sql-count", "sql", Decimal(expected.count), Decimal(actual.count))
    if expected.count <= len(expected.statements) and actual.count <= len(actual.statements):
        _tables(expected, actual, findings)
    _repeated(expected, actual, findings)


def _tables(expected: Sql, actual: Sql, findings: Findings) -> None:
    was, now = expected.tables(), actual.tables()
    for table in sorted(was - now):
        findings.add("sql-tables", "sql", table, ABSENT, detail=f"{table} only by legacy")
    for table in sorted(now - was):
        findings.add("sql-tables", "sql", ABSENT, table, detail=f"{table} only by the service")


def _repeated(expected: Sql, actual: Sql, findings: Findings) -> None:
    """Another ORM writes other statements, so those that legacy repeats are known by their tables."""
    known = {tables_of(statement) for statement in expected.repeated()}
    for statement, times in actual.repeated().items():
        tables = tables_of(statement)
        if tables not in known:
            known.add(tables)
            names = ", ".join(sorted(tables)) or "no table"
            findings.add("n-plus-one", "sql", ABSENT, f"{times} × {statement}", detail=names)
