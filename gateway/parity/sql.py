"""Compares what both sides did in the database: the number of statements, and the tables."""

from __future__ import annotations

from decimal import Decimal

from gateway.parity.answer import Sql
from gateway.parity.difference import MISSING, Severity
from gateway.parity.findings import Findings
from gateway.parity.tables import tables_of

__all__ = ["compare_sql", "compare_writes"]

TIMES = 2  # a factor up to which more executions than legacy's are no difference


def compare_sql(expected: Sql | None, actual: Sql | None, findings: Findings) -> None:
    """Add a different number of statements, different tables, tables to which only the service writes, and statements
    that the service repeats for every row and legacy doesn't.

    Nothing if one side was not recorded. Tables are compared only if every statement was recorded.
    """
    if expected is None or actual is None or expected == actual or not findings.rules.sql:
        return
    _count(expected.count, actual.count, findings)
    if expected.count <= len(expected.statements) and actual.count <= len(actual.statements):
        _tables(expected, actual, findings)
    _repeated(expected, actual, findings)


def _count(was: int, now: int, findings: Findings) -> None:
    """More statements than the rules allow are worse, fewer are better."""
    if now < was:
        findings.add("sql-count", "sql", Decimal(was), Decimal(now), severity=Severity.NOTE, detail="fewer")
    elif now > was + findings.rules.more_statements:
        findings.add("sql-count", "sql", Decimal(was), Decimal(now), detail="more")


def compare_writes(expected: Sql | None, actual: Sql | None, findings: Findings) -> None:
    """Add the tables to which only the service writes."""
    was = expected.written() if expected is not None else frozenset()
    for table in sorted(actual.written() - was if actual is not None else ()):
        findings.add("write", "sql", MISSING, table, detail=table)


def _tables(expected: Sql, actual: Sql, findings: Findings) -> None:
    compare_writes(expected, actual, findings)
    was, now = expected.tables() | actual.written(), actual.tables()
    for table in sorted(was - now):
        findings.add("sql-tables", "sql", table, MISSING, detail=f"{table} only by legacy")
    for table in sorted(now - was):
        findings.add("sql-tables", "sql", MISSING, table, detail=f"{table} only by the service")


def _repeated(expected: Sql, actual: Sql, findings: Findings) -> None:
    """Another ORM writes other statements, so legacy's repeated ones are recognised by their tables."""
    known: dict[frozenset[str], int] = {}
    for statement, times in expected.repeated().items():
        tables = tables_of(statement)
        known[tables] = max(times, known.get(tables, 0))
    for statement, times in actual.repeated().items():
        tables = tables_of(statement)
        before = known.get(tables, 0)
        if times >= findings.rules.repeats and times > TIMES * before:
            known[tables] = times  # each matches only once
            names = ", ".join(sorted(tables)) or "no table"
            was = f"{before} ×" if before else MISSING
            findings.add("n-plus-one", "sql", was, f"{times} × {statement}", detail=names)
