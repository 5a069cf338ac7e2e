"""Compares the rows that both sides wrote: by table, and by primary key if they have one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.parity.answer import Answer
from gateway.parity.difference import MISSING, Missing, Severity
from gateway.parity.findings import Exhausted, Findings
from gateway.parity.row_equality import RowEquality
from gateway.parity.rows import Value
from gateway.parity.writing import Row
from gateway.parity.written_rows import WrittenRows

__all__ = ["compare_rows"]

DONE = {"insert": "inserted", "update": "updated", "delete": "deleted", "write": "written"}


def compare_rows(expected: Answer, actual: Answer, findings: Findings, sent: bytes) -> None:
    """Add the rows that only one side wrote, and the columns that differ. `sent` is what the caller sent.

    Several statements on one row count as one change, and the order of changes doesn't count. Rows that both sides
    insert are matched by their values, all others by primary key. If one side names rows by key and the other by a
    condition, values and numbers of rows are compared, and that is noted.
    """
    was, now = expected.rows, actual.rows
    if was is None or now is None or not (was.written or now.written):
        return
    if was.cut or now.cut:
        findings.add("row-way", "row", MISSING, MISSING, detail="more is written than is compared")
        return
    told: frozenset[str] = frozenset()  # tables that only the service writes to: reported already
    if findings.rules.sql and expected.sql is not None and actual.sql is not None:
        told = actual.sql.written() - expected.sql.written()
    try:
        sides = WrittenRows(was, sent), WrittenRows(now, sent)
        _Comparison(*sides, RowEquality(*sides, findings, sent), findings, told).compare()
    except Exhausted:
        findings.error("more values were written than are compared; the rest was left out")


@dataclass(frozen=True, slots=True)
class _Comparison:
    was: WrittenRows
    now: WrittenRows
    equality: RowEquality
    findings: Findings
    told: frozenset[str]

    def compare(self) -> None:
        for table in sorted(self.was.named | self.now.named):
            if self.findings.rules.ignores_rows(table):
                self.findings.ignore()
            elif self.was.unreadable[table] != self.now.unreadable[table]:
                self._unreadable(table)
            else:
                self._inserted(table)
                self._changed(table)

    # -- tables ---------------------------------------------------------------------------------

    def _unreadable(self, table: str) -> None:
        """Unreadable statements may have done what others did."""
        if table in self.was.named and table in self.now.named:
            self._say_way(table, "is written to by statements that can't be compared")
        elif table in self.was.named:
            self._add(table, "written only by legacy", self.was.unreadable[table], MISSING)
        elif table not in self.told:
            self._add(table, "written only by the service", MISSING, self.now.unreadable[table])

    def _inserted(self, table: str) -> None:
        was, now = self.was.inserted[table], self.now.inserted[table]
        was, now, _ = _matched(was, now, lambda one, other: not self.equality.differing(table, one, other))
        pairs = [(one, other) for one in was for other in now]
        pairs.sort(key=lambda pair: len(self.equality.differing(table, *pair)))
        for one, other in pairs:  # those with most in common count as the same row, changed
            if any(row is one for row in was) and any(row is other for row in now):
                self._columns(table, one, other)
                was, now = [row for row in was if row is not one], [row for row in now if row is not other]
        self._only(table, was, now)

    def _changed(self, table: str) -> None:
        was, now = self.was.keyed[table], self.now.keyed[table]
        for key in [key for key in was if key in now]:
            self._same_row(table, was[key], now[key])
        lost = [row for key, row in was.items() if key not in now]
        more = [row for key, row in now.items() if key not in was]
        for kind in ("insert", "update", "delete"):
            of_kind = partial(filter, lambda row, kind=kind: row.kind == kind)
            self._by_conditions(table, kind, [*of_kind(lost)], [*of_kind(more)])

    def _same_row(self, table: str, was: Row, now: Row) -> None:
        if was.kind == now.kind:
            self._columns(table, was, now)
        else:
            detail = f"{DONE[was.kind]} by legacy, {DONE[now.kind]} by the service"
            self._add(table, detail, was.columns, now.columns, self._which(table, was))

    def _by_conditions(self, table: str, kind: str, lost: list[Row], more: list[Row]) -> None:
        """Rows of this kind that were written by a condition, and those by key that only one side has."""
        was = [row for row in self.was.others[table] if row.kind == kind]
        now = [row for row in self.now.others[table] if row.kind == kind]
        was, now, pairs = _matched(was, now, partial(self.equality.same_condition, table))
        for one, other in pairs:
            self._columns(table, one, other)
            self._counts(table, kind, [one], [other])
        if (was or now) and (was or lost) and (now or more):
            self._another_way(table, kind, was + lost, now + more)
        else:
            self._only(table, was + lost, now + more)

    def _another_way(self, table: str, kind: str, was: Sequence[Row], now: Sequence[Row]) -> None:
        one, other = _common(was), _common(now)
        if one is not None and other is not None:
            self._columns(table, one, other)
        self._counts(table, kind, was, now)
        self._say_way(table, f"{DONE[kind]} in another way")

    def _counts(self, table: str, kind: str, was: Sequence[Row], now: Sequence[Row]) -> None:
        first, second = _count(was), _count(now)
        if first is not None and second is not None and first != second:
            more = "legacy" if first > second else "the service"
            self._add(table, f"more of them {DONE[kind]} by {more}", str(first), str(second))

    def _only(self, table: str, was: Iterable[Row], now: Iterable[Row]) -> None:
        for row in was:
            self._add(table, f"{DONE[row.kind]} only by legacy", row.columns, MISSING, self._which(table, row))
        for row in now if table not in self.told else ():
            self._add(table, f"{DONE[row.kind]} only by the service", MISSING, row.columns, self._which(table, row))

    # -- one row --------------------------------------------------------------------------------

    def _columns(self, table: str, was: Row, now: Row) -> None:
        which, whole = self._which(table, was), list[str]()
        for name in self.equality.differing(table, was, now):
            first, second = was.columns.get(name, MISSING), now.columns.get(name, MISSING)
            row, side = (now, "the service") if first is MISSING else (was, "legacy")
            if first is not MISSING and second is not MISSING:
                self._add(table, "has another value", first, second, which, name)
            elif row.kind == "update" and name not in row.meant:
                whole.append(name)
            else:
                self._add(table, f"is set only by {side}", first, second, which, name)
        if whole:
            self._whole(table, whole, was, now, which)

    def _whole(self, table: str, names: list[str], was: Row, now: Row, which: str) -> None:
        """Columns that `save()` sets together with all others may be unchanged."""
        first, second = (
            {name: row.columns[name] for name in names if name in row.columns} or MISSING for row in (was, now)
        )
        side = "the service" if first is MISSING else "legacy"
        self._add(table, f"saved with all its columns only by {side}", first, second, which, severity=Severity.WARNING)

    # -- messages -------------------------------------------------------------------------------

    def _which(self, table: str, row: Row) -> str:
        """A description by which the row can be found."""
        if row.where:
            return "where " + " and ".join(text.strip() for text, _ in row.where)
        if row.key is None or row.kind == "insert":
            return ""
        return f"{self.equality.table(table).key}={row.key}"

    def _add(
        self,
        table: str,
        detail: str,
        was: Mapping[str, Value] | Mapping[str, int] | Value | Missing,
        now: Mapping[str, Value] | Mapping[str, int] | Value | Missing,
        which: str = "",
        column: str = "",
        severity: Severity | None = None,
    ) -> None:
        pointer = f"row:{table}:{column}" if column else f"row:{table}"
        self.findings.add("row", pointer, _shown(was), _shown(now), severity=severity, detail=detail, which=which)

    def _say_way(self, table: str, detail: str) -> None:
        self.findings.add("row-way", f"row:{table}", MISSING, MISSING, detail=detail)


def _shown(value: object) -> object:
    """A value in the form of a body's values: what both sides wrote is text, or an object of texts."""
    if isinstance(value, Mapping):
        return {name: _shown(item) for name, item in value.items()}
    return list(map(_shown, value)) if isinstance(value, tuple) else str(value) if isinstance(value, int) else value


def _matched(
    was: list[Row], now: list[Row], same: Callable[[Row, Row], bool]
) -> tuple[list[Row], list[Row], list[tuple[Row, Row]]]:
    """The unmatched rows of both sides, and the pairs that match."""
    left, lost, pairs = [*now], [], []
    for row in was:
        other = next((other for other in left if same(row, other)), None)
        if other is None:
            lost.append(row)
        else:
            left = [one for one in left if one is not other]
            pairs.append((row, other))
    return lost, left, pairs


def _common(rows: Sequence[Row]) -> Row | None:
    """What all of these rows set to the same values; None if they differ."""
    first = rows[0]
    return first if all(row.columns == first.columns for row in rows) else None


def _count(rows: Sequence[Row]) -> int | None:
    counts = [row.count for row in rows]
    return None if None in counts else sum(count for count in counts if count is not None)
