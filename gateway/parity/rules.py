"""Rules for what may differ: `[routes.compare]`, compiled once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Literal, TypeAlias, TypeVar

from gateway.parity.pointer import compile_patterns
from gateway.parity.severity import Severity

__all__ = ["Accepted", "ByPattern", "CompareRules", "Severities", "ValueClass"]

ValueClass: TypeAlias = Literal["uuid", "timestamp", "date", "url", "token"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted difference: its place, its kind ("*": any), why, by whom, until when.

    If `expected` and `actual` are given, it applies only to these values: an accepted 400 → 422 is not an accepted 500.
    """

    path: str
    kind: str
    reason: str
    owner: str
    expires: date
    expected: str | int | bool | None = None
    actual: str | int | bool | None = None
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", compile_patterns([self.path]))

    @property
    def key(self) -> str:
        """The key by which its matches are counted; unaffected by restarts and changes of reason, owner or expiry."""
        identity = repr((self.path, self.kind, self.expected, self.actual))
        return sha256(identity.encode()).hexdigest()[:12]

    def expired(self, today: date) -> bool:
        """Whether `today` is after its last day."""
        return today > self.expires

    def covers(self, kind: str, pointer: str, expected: object, actual: object) -> bool:
        """Whether it accepts that difference."""
        return (
            self.kind in ("*", kind)
            and self.pattern.fullmatch(pointer) is not None
            and (self.expected is None or _same(self.expected, expected))
            and (self.actual is None or _same(self.actual, actual))
        )


def _same(wanted: object, found: object) -> bool:
    return isinstance(wanted, bool) == isinstance(found, bool) and wanted == found


class ByPattern(dict[str, T]):
    """Values by pattern of pointers; the first pattern in the file that matches counts."""

    def __init__(self, values: Mapping[str, T] | Iterable[tuple[str, T]] = ()) -> None:
        super().__init__(values)
        self._compiled = [(compile_patterns([pattern]), value) for pattern, value in self.items()]

    def at(self, pointer: str) -> T | None:
        """The value for a pointer, or None."""
        for pattern, value in self._compiled:
            if pattern.fullmatch(pointer):
                return value
        return None


class Severities:
    """The severities that a route sets, by kind and place.

    `given` has "KIND" or "KIND PLACE" as keys, where PLACE is a pattern of pointers. Keys with a place come before keys
    without; among these the first in the file that matches counts.
    """

    def __init__(self, given: Mapping[str, Severity] | None = None) -> None:
        self._by_kind: dict[str, Severity] = {}
        self._by_place: dict[str, list[tuple[re.Pattern[str], Severity]]] = {}
        for key, severity in (given or {}).items():
            kind, _, place = key.partition(" ")
            if place:
                self._by_place.setdefault(kind, []).append((compile_patterns([place.strip()]), severity))
            else:
                self._by_kind[kind] = severity

    def of(self, kind: str, pointer: str) -> Severity | None:
        """The severity that is set for a difference of `kind` at `pointer`; None if none is set."""
        for pattern, severity in self._by_place.get(kind, ()):
            if pattern.fullmatch(pointer):
                return severity
        return self._by_kind.get(kind)


@dataclass(frozen=True, slots=True)
class CompareRules:
    """The rules of one route. Without any, everything that is compared must be equal.

    `accepted` are all accepted differences, `in_force` those that were not expired on the day of compilation. `repeats`
    is how often the service may execute a statement that legacy doesn't repeat; `more_statements` is how many more
    statements than legacy it may execute.
    """

    ignore: tuple[str, ...] = ()
    unordered: ByPattern[str] = field(default_factory=ByPattern)
    tolerance: Decimal = Decimal(0)
    tolerances: ByPattern[Decimal] = field(default_factory=ByPattern)
    classes: ByPattern[ValueClass] = field(default_factory=ByPattern)
    headers: frozenset[str] = frozenset()
    ignore_headers: frozenset[str] = frozenset()
    sql: bool = True
    ignored_rows: tuple[str, ...] = ()
    repeats: int = 5
    more_statements: int = 0
    severities: Severities = field(default_factory=Severities)
    accepted: tuple[Accepted, ...] = ()
    in_force: tuple[Accepted, ...] = ()
    redact_names: frozenset[str] = frozenset()
    redact_paths: tuple[str, ...] = ()
    max_differences: int = 50
    ignored: re.Pattern[str] = field(init=False, repr=False, compare=False)
    unwritten: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ignored", compile_patterns(self.ignore))
        object.__setattr__(self, "unwritten", compile_patterns(self.ignored_rows))

    def ignores(self, pointer: str) -> bool:
        """Whether this place of the body is not compared."""
        return bool(self.ignore) and self.ignored.fullmatch(pointer) is not None

    def ignores_rows(self, place: str) -> bool:
        """Whether a table, or a column ("shop_order.updated_at"), is not compared."""
        return bool(self.ignored_rows) and self.unwritten.fullmatch(place) is not None

    def severity_of(self, kind: str, pointer: str) -> Severity | None:
        """The severity that the route sets for such a difference; None where it sets none."""
        return self.severities.of(kind, pointer)

    def tolerance_at(self, pointer: str) -> Decimal:
        """The tolerance for numbers at this place."""
        found = self.tolerances.at(pointer) if self.tolerances else None
        return self.tolerance if found is None else found

    def expired(self, today: date) -> tuple[Accepted, ...]:
        """The accepted differences that have expired."""
        return tuple(accepted for accepted in self.accepted if accepted.expired(today))

    def unmatched(self, matches: Mapping[str, int]) -> tuple[Accepted, ...]:
        """The accepted differences that never occurred; `matches` has the number of occurrences by `Accepted.key`."""
        return tuple(accepted for accepted in self.accepted if not matches.get(accepted.key))
