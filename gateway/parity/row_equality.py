"""Whether what both sides wrote to a row is equal, or was generated on each side."""

from __future__ import annotations

import json
from contextlib import suppress

from gateway.parity.anew import made_anew
from gateway.parity.findings import Findings
from gateway.parity.rows import UNKNOWN, TableInfo, Value
from gateway.parity.writing import Row
from gateway.parity.written_rows import WrittenRows

__all__ = ["RowEquality"]

REFERENCES = ("_id", "_pk", "_ptr")  # endings of columns that hold another row's key


class RowEquality:
    """Compares rows of `was` and `now` by the rules of `findings`, from whose budget it spends. `sent` is what the
    caller sent."""

    def __init__(self, was: WrittenRows, now: WrittenRows, findings: Findings, sent: bytes) -> None:
        self._was = was
        self._now = now
        self._findings = findings
        self._sent = sent

    def differing(self, table: str, was: Row, now: Row) -> list[str]:
        """The columns that only one side sets, or that differ."""
        names = [*was.columns, *(name for name in now.columns if name not in was.columns)]
        self._findings.spend(len(names) + 1)
        return [
            name
            for name in names
            if not (
                self._findings.rules.ignores_rows(f"{table}.{name}")
                or (name in was.columns and name in now.columns and self._alike(table, name, was, now))
            )
        ]

    def _alike(self, table: str, name: str, was: Row, now: Row) -> bool:
        return self._equal(table, name, (was.columns[name], was.at), (now.columns[name], now.at))

    def _equal(self, table: str, name: str, was: tuple[Value, float], now: tuple[Value, float]) -> bool:
        """Whether two values are equal, or were generated on each side."""
        first, second = was[0], now[0]
        if first == second:
            return True
        if not isinstance(first, str) or not isinstance(second, str):
            return False
        known = self.table(table)
        target = table if name == known.key else known.references.get(name)
        if target is not None:
            return self._both_new(target, first, second)
        if name == "id" or name.endswith(REFERENCES):
            return any(self._both_new(other, first, second) for other in self._was.new)
        return _same_json(first, second) or made_anew(first, was[1], second, now[1], self._sent)

    def _both_new(self, table: str, first: str, second: str) -> bool:
        """Whether both are keys of rows that were inserted here."""
        return first in self._was.new.get(table, ()) and second in self._now.new.get(table, ())

    def same_condition(self, table: str, was: Row, now: Row) -> bool:
        """Whether rows were written by the same condition."""
        if [text for text, _ in was.where] != [text for text, _ in now.where]:
            return False
        pairs = [
            (text.partition(" ")[0], first, second)
            for (text, values), (_, others) in zip(was.where, now.where, strict=True)
            for first, second in zip(values, others, strict=True)
        ]
        return all(self._equal(table, name, (first, was.at), (second, now.at)) for name, first, second in pairs)

    def table(self, table: str) -> TableInfo:
        """What is known of a table."""
        return self._was.tables.get(table) or self._now.tables.get(table) or UNKNOWN


def _same_json(first: str, second: str) -> bool:
    """Whether two texts are the same JSON object or array, whatever the order of names."""
    if first[:1] not in ("{", "[") or first[:1] != second[:1]:
        return False
    with suppress(ValueError, RecursionError):
        return bool(json.loads(first) == json.loads(second))
    return False
