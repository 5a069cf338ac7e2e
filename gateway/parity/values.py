"""Compares two JSON values: each difference with its kind and pointer."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterator
from decimal import Decimal, localcontext
from typing import Any

from gateway.parity.decoding import DuplicateKeys
from gateway.parity.difference import MISSING, Severity
from gateway.parity.exposure import exposed
from gateway.parity.findings import BUDGET, Exhausted, Findings
from gateway.parity.formats import is_of, numeral, same_moment, type_of
from gateway.parity.identity import identity_of
from gateway.parity.lists import by_position, grouped
from gateway.parity.pointer import child, segments
from gateway.parity.redact.sensitive import has_secret_shape

__all__ = ["DEEPEST", "compare_values"]

DEEPEST = 100  # levels that are compared
QUICK = 12  # levels on which whole items are compared first; on all levels that would be quadratic
LONGEST_NAME = 200  # characters of a name in a pointer
# Fields next to a list in a page of results that follow from its items.
CONSEQUENCES = frozenset(("count", "total", "total_count", "next", "previous"))
SHOWN = 20  # shown identities of items that only one side has
SIDES = ("the service", "legacy")


def compare_values(expected: Any, actual: Any, findings: Findings) -> None:
    """Add the differences between two values of `parse_json`. Raises Exhausted (see Findings.spend)."""
    _Values(findings).compare("", expected, actual, 0)


class _Values:
    __slots__ = ("budget", "findings", "rules")

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.rules = findings.rules
        self.budget = BUDGET  # separate, for matching items, so that they are still compared when it is used up

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
            self._scalars(pointer, expected, actual)

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
            lambda index, item: self._key(pointer, index, item, depth),
        )
        if found.reordered:
            self.findings.add("order", pointer, expected, actual)
        for index, other in found.pairs:
            self.compare(child(pointer, index), expected[index], actual[other], depth + 1)

    def _unordered(self, pointer: str, expected: list[Any], actual: list[Any], key: str, depth: int) -> None:
        was = list(self._keys_by(key, pointer, expected, depth))
        now = list(self._keys_by(key, pointer, actual, depth))
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

    def _keys_by(self, key: str, pointer: str, items: list[Any], depth: int) -> Iterator[Hashable]:
        for index, item in enumerate(items):
            if key != "*" and isinstance(item, dict) and key in item:
                # The identifying field itself is compared exactly, whatever the rules.
                yield "key", self._key(None, index, item[key], depth + 1)
            else:
                yield "item", self._key(pointer, index, item, depth)

    def _key(self, pointer: str | None, index: int, item: Any, depth: int) -> Hashable:
        """A key that is equal for equal items; only the position once the budget for matching is used up."""
        try:
            return self._canonical(_place(pointer, index), item, depth + 1)
        except Exhausted:
            return "position", index

    def _canonical(self, pointer: str | None, value: Any, depth: int) -> Hashable:
        """A hashable that is equal for values that are equal by the rules, except formats. Without a pointer no rules
        apply."""
        self.budget -= 1
        if self.budget < 0:
            raise Exhausted
        if depth > DEEPEST:
            return "too deep"
        if pointer is not None and self.rules.ignores(pointer):
            return "ignored"
        if isinstance(value, dict):
            return frozenset(
                (name, self._canonical(_place(pointer, name), member, depth + 1))
                for name, member in value.items()
                if pointer is None or not self.rules.ignores(_place(pointer, name) or "")
            )
        if isinstance(value, (list, DuplicateKeys)):
            items = [self._canonical(_place(pointer, index), item, depth + 1) for index, item in enumerate(value)]
            return ("array", *items)
        return self._canonical_scalar(pointer, value)

    def _canonical_scalar(self, pointer: str | None, value: Any) -> Hashable:
        kind = type_of(value)
        if pointer is not None:
            name = self.rules.classes.at(pointer) if self.rules.classes else None
            if name is not None and is_of(value, name):
                return kind, name
            if kind == "number" and self.rules.tolerance_at(pointer):
                return kind, "about"
        return kind, value

    def _scalars(self, pointer: str, expected: Any, actual: Any) -> None:
        name = self.rules.classes.at(pointer) if self.rules.classes else None
        if name is not None and is_of(expected, name):
            if not is_of(actual, name):
                self.findings.add("class", pointer, expected, actual, detail=name)
            elif expected != actual:
                self.findings.ignore()
        elif isinstance(expected, Decimal):
            self._numbers(pointer, expected, actual, self.rules.tolerance_at(pointer))
        elif expected != actual:
            self._strings(pointer, expected, actual)

    def _numbers(self, pointer: str, expected: Decimal, actual: Decimal, tolerance: Decimal) -> None:
        if expected == actual:
            if expected.as_tuple() != actual.as_tuple():
                self.findings.add("number-format", pointer, expected, actual)
        elif tolerance and _apart(expected, actual) <= tolerance:
            self.findings.ignore()
        else:
            self.findings.add("primitive", pointer, expected, actual)

    def _strings(self, pointer: str, expected: Any, actual: Any) -> None:
        """Two different strings, or true and false."""
        kind = "primitive"
        if isinstance(expected, str):
            if has_secret_shape(actual) and not has_secret_shape(expected):
                self.findings.add("secret", pointer, expected, actual, detail="by its shape")
                return
            was, now = numeral(expected), numeral(actual)
            tolerance = self.rules.tolerances.at(pointer) if self.rules.tolerances else None
            if was is not None and now is not None:
                if tolerance and was != now and _apart(was, now) <= tolerance:
                    self.findings.ignore()
                    return
                kind = "number-format" if was == now else kind
            elif same_moment(expected, actual):
                kind = "date-format"
        self.findings.add(kind, pointer, expected, actual)


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


def _place(pointer: str | None, key: str | int) -> str | None:
    if pointer is None:
        return None
    return child(pointer, key[:LONGEST_NAME] if isinstance(key, str) else key)


def _never(_one: Any, _other: Any) -> bool:
    return False


def _apart(one: Decimal, other: Decimal) -> Decimal:
    with localcontext() as context:
        context.traps = dict.fromkeys(context.traps, False)  # out of range gives Infinity or NaN, beyond any tolerance
        apart = abs(one - other)
    return apart if apart.is_finite() else Decimal("Infinity")
