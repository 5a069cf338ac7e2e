"""Compares two JSON values: each difference with its kind and pointer."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import Any

from gateway.parity.decoding import DuplicateKeys
from gateway.parity.difference import MISSING, Severity
from gateway.parity.exposure import exposed
from gateway.parity.findings import Findings
from gateway.parity.formats import type_of
from gateway.parity.identity import identity_of
from gateway.parity.item_keys import DEEPEST, LONGEST_NAME, ItemKeys
from gateway.parity.lists import by_position, grouped
from gateway.parity.pointer import child, segments
from gateway.parity.scalars import compare_scalars

__all__ = ["compare_values"]

QUICK = 12  # levels on which whole items are compared first; on all levels that would be quadratic
# Fields next to a list in a page of results that follow from its items.
CONSEQUENCES = frozenset(("count", "total", "total_count", "next", "previous"))
SHOWN = 20  # shown identities of items that only one side has
SIDES = ("the service", "legacy")


def compare_values(expected: Any, actual: Any, findings: Findings) -> None:
    """Add the differences between two values of `parse_json`. Raises Exhausted (see Findings.spend)."""
    _Values(findings).compare("", expected, actual, 0)


class _Values:
    __slots__ = ("findings", "keys", "rules")

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.rules = findings.rules
        self.keys = ItemKeys(findings.rules)

    def compare(self, pointer: str, expected: Any, actual: Any, depth: int) -> None:
        self.findings.spend()
        if self.rules.ignores(pointer):
            self._ignored(expected, actual)
        elif depth > DEEPEST:
            self.findings.error(f"what is nested deeper than {DEEPEST} levels was not compared")
        elif isinstance(expected, DuplicateKeys) or isinstance(actual, DuplicateKeys):
            self._repeated(pointer, expected, actual, depth)
        elif (was := type_of(expected)) != (now := type_of(actual)):
            if expected is not None or not self._discloses(pointer, actual):
                self.findings.add("type", pointer, expected, actual, detail=f"{was} → {now}")
        elif isinstance(expected, dict):
            self._objects(pointer, expected, actual, depth)
        elif isinstance(expected, list):
            self._lists(pointer, expected, actual, depth)
        else:
            compare_scalars(pointer, expected, actual, self.findings)

    def _ignored(self, expected: Any, actual: Any) -> None:
        try:
            differ = expected != actual
        except RecursionError:
            differ = True
        if differ:
            self.findings.ignore()

    def _repeated(self, pointer: str, expected: Any, actual: Any, depth: int) -> None:
        """A repeated name is compared value by value if both sides repeat it equally often."""
        if isinstance(expected, DuplicateKeys) and isinstance(actual, DuplicateKeys) and len(expected) == len(actual):
            for was, now in zip(expected, actual, strict=True):
                self.compare(pointer, was, now, depth)
        else:
            self.findings.add("duplicate", pointer, expected, actual)

    def _objects(self, pointer: str, expected: dict[str, Any], actual: dict[str, Any], depth: int) -> None:
        """By name: the order of names in an object is irrelevant (RFC 8259 §4)."""
        for name, value in expected.items():
            place = child(pointer, name[:LONGEST_NAME])
            if name in actual:
                if name in CONSEQUENCES and value != actual[name] and _other_items(expected, actual):
                    self.findings.ignore()
                    continue
                self.compare(place, value, actual[name], depth + 1)
            else:
                self._one_sided("missing", place, value, MISSING)
        for name, value in actual.items():
            if name not in expected:
                self._new(child(pointer, name[:LONGEST_NAME]), name, value)

    def _new(self, place: str, name: str, value: Any) -> None:
        """A field that only the service has; if it exposes secrets, these are reported instead."""
        if not self.rules.ignores(place) and self._exposes(place, name, value):
            self.findings.spend()
        else:
            self._one_sided("extra", place, MISSING, value)

    def _exposes(self, place: str, name: str, value: Any) -> bool:
        """Whether a value that legacy lacks contains secrets or personal data; if so, each is added as a difference."""
        found = [one for one in exposed(place, name, value) if not self.rules.ignores(one.pointer)]
        for one in found:
            self.findings.add(one.kind, one.pointer, MISSING, one.value, detail=one.known_by)
        return bool(found)

    def _discloses(self, pointer: str, actual: Any) -> bool:
        """Whether the service has secrets where legacy has null; if so, each is added as a difference."""
        found = [one for one in exposed(pointer, _name_of(pointer), actual) if one.kind == "secret"]
        for one in found:
            self.findings.add(one.kind, one.pointer, None, one.value, detail=one.known_by)
        return bool(found)

    def _one_sided(self, kind: str, place: str, expected: Any, actual: Any, severity: Severity | None = None) -> None:
        self.findings.spend()
        if self.rules.ignores(place):
            self.findings.ignore()
        else:
            self.findings.add(kind, place, expected, actual, severity=severity)

    def _lists(self, pointer: str, expected: list[Any], actual: list[Any], depth: int) -> None:
        if not expected and not actual:
            return
        key = self.rules.unordered.at(pointer) if self.rules.unordered else None
        if key is not None:
            self._unordered(pointer, expected, actual, key, depth)
            return
        name = identity_of(expected, actual)
        if name is not None:
            self._identified(pointer, expected, actual, name, depth)
            return
        if len(expected) != len(actual):
            self.findings.add("length", pointer, Decimal(len(expected)), Decimal(len(actual)))
        found = by_position(
            expected,
            actual,
            operator.eq if depth <= QUICK else _never,
            lambda index, item: self.keys.of(pointer, index, item, depth),
        )
        if found.reordered:
            self.findings.add("order", pointer, expected, actual)
        for index, other in found.pairs:
            self.compare(child(pointer, index), expected[index], actual[other], depth + 1)

    def _unordered(self, pointer: str, expected: list[Any], actual: list[Any], key: str, depth: int) -> None:
        was = list(self.keys.by(key, pointer, expected, depth))
        now = list(self.keys.by(key, pointer, actual, depth))
        pairs, missing, extra = grouped(was, now)
        if key == "*":  # by whole items: the remaining ones may be the same items, changed
            changed = min(len(missing), len(extra))
            pairs += zip(missing[:changed], extra[:changed], strict=True)
            missing, extra = missing[changed:], extra[changed:]
        for index, other in pairs:
            self.compare(child(pointer, index), expected[index], actual[other], depth + 1)
        for index in missing:
            self._one_sided("missing", child(pointer, index), expected[index], MISSING)
        for index in extra:
            self._one_sided("extra", child(pointer, index), MISSING, actual[index], Severity.BREAKING)

    def _identified(self, pointer: str, expected: list[Any], actual: list[Any], name: str, depth: int) -> None:
        """Two lists whose items are identified by a field. All items that only one side has are one difference; the
        others are compared with each other, wherever they are."""
        pairs, missing, extra = grouped([item[name] for item in expected], [item[name] for item in actual])
        self.findings.spend(len(expected) + len(actual))
        if missing or extra:
            only = "each side has some of its own" if missing and extra else f"only {SIDES[bool(missing)]} has some"
            was, now = [expected[index][name] for index in missing], [actual[index][name] for index in extra]
            self.findings.add("items", pointer, was[:SHOWN], now[:SHOWN], detail=only)
        elif [other for _, other in pairs] != sorted(other for _, other in pairs):
            self.findings.add("order", pointer, expected, actual)
        for index, other in pairs:
            self.compare(child(pointer, index), expected[index], actual[other], depth + 1)


def _name_of(pointer: str) -> str:
    """The last name in a pointer; for an item of a list, that of the list."""
    return next((name for name in reversed(segments(pointer)) if not name.isdecimal()), "")


def _other_items(expected: dict[str, Any], actual: dict[str, Any]) -> bool:
    """Whether a list in these objects has different items on both sides, which explains differences in CONSEQUENCES."""
    for name, was in expected.items():
        now = actual.get(name)
        if isinstance(was, list) and isinstance(now, list) and (by := identity_of(was, now)) is not None:
            missing, extra = grouped([item[by] for item in was], [item[by] for item in now])[1:]
            if missing or extra:
                return True
    return False


def _never(_one: Any, _other: Any) -> bool:
    return False
