"""The rows that one side wrote, each with its net change."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

from gateway.parity.anew import is_made
from gateway.parity.rows import UNKNOWN, Rows
from gateway.parity.writing import Row, rows_of

__all__ = ["WrittenRows"]


class WrittenRows:
    """The net changes of one side. `new` are the generated keys of the rows that it inserted, by table."""

    def __init__(self, rows: Rows, sent: bytes) -> None:
        self.tables = rows.tables
        self.new: dict[str, set[str]] = defaultdict(set)
        self.inserted: dict[str, list[Row]] = defaultdict(list)
        self.keyed: dict[str, dict[str, Row]] = defaultdict(dict)
        self.others: dict[str, list[Row]] = defaultdict(list)  # by a condition
        self.unreadable: dict[str, Counter[str]] = defaultdict(Counter)
        found = [row for one in rows.written for row in rows_of(one, rows.tables.get(one.table, UNKNOWN))]
        self.named = {row.table for row in found}
        for row in found:
            self._add(row)
            if row.kind == "insert" and row.key is not None and (not row.given or is_made(row.key, sent)):
                self.new[row.table].add(row.key)
        for table, keys in self.new.items():
            by_key = self.keyed[table]
            self.inserted[table] += [by_key.pop(key) for key in [*by_key] if key in keys]

    def _add(self, row: Row) -> None:
        if not row.readable:
            self.unreadable[row.table][row.kind] += 1
        elif row.key is not None:
            known = self.keyed[row.table]
            merged = _merged(known.pop(row.key, None), row)
            if merged is not None:
                known[row.key] = merged
        elif row.kind == "insert":
            self.inserted[row.table].append(row)
        else:
            self.others[row.table].append(row)


def _merged(before: Row | None, row: Row) -> Row | None:
    """Both changes of one row as one; None if they cancel each other."""
    if before is None or before.kind == "delete":
        return row
    if row.kind == "delete":
        return None if before.kind == "insert" else row
    columns = dict(before.columns)
    for name, value in row.columns.items():
        earlier = columns.get(name)
        again = isinstance(value, str) and value.startswith("= ") and isinstance(earlier, str)
        columns[name] = f"{earlier}, then {value}" if again else value
    return replace(before, columns=columns, meant=before.meant | row.meant, at=row.at)
