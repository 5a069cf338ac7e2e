"""Keys by which items of two lists are matched."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from gateway.parity.decoding import DuplicateKeys
from gateway.parity.findings import BUDGET, Exhausted
from gateway.parity.formats import is_of, type_of
from gateway.parity.pointer import child
from gateway.parity.rules import CompareRules

__all__ = ["DEEPEST", "LONGEST_NAME", "ItemKeys"]

DEEPEST = 100  # levels that are compared
LONGEST_NAME = 200  # characters of a name in a pointer


class ItemKeys:
    """Keys that are equal for items that are equal by `rules`, within a budget of its own: when it is used up, items
    are still compared."""

    __slots__ = ("_budget", "_rules")

    def __init__(self, rules: CompareRules) -> None:
        self._rules = rules
        self._budget = BUDGET

    def by(self, key: str, pointer: str, items: list[Any], depth: int) -> Iterator[Hashable]:
        """A key for each item of a list: by its field `key`, or for "*" by all of it."""
        for index, item in enumerate(items):
            if key != "*" and isinstance(item, dict) and key in item:
                # The identifying field itself is compared exactly, whatever the rules.
                yield "key", self.of(None, index, item[key], depth + 1)
            else:
                yield "item", self.of(pointer, index, item, depth)

    def of(self, pointer: str | None, index: int, item: Any, depth: int) -> Hashable:
        """A key that is equal for equal items; only the position once the budget for matching is used up."""
        try:
            return self._canonical(_place(pointer, index), item, depth + 1)
        except Exhausted:
            return "position", index

    def _canonical(self, pointer: str | None, value: Any, depth: int) -> Hashable:
        """A hashable that is equal for values that are equal by the rules, except formats. Without a pointer no rules
        apply."""
        self._budget -= 1
        if self._budget < 0:
            raise Exhausted
        if depth > DEEPEST:
            return "too deep"
        if pointer is not None and self._rules.ignores(pointer):
            return "ignored"
        if isinstance(value, dict):
            return frozenset(
                (name, self._canonical(_place(pointer, name), member, depth + 1))
                for name, member in value.items()
                if pointer is None or not self._rules.ignores(_place(pointer, name) or "")
            )
        if isinstance(value, (list, DuplicateKeys)):
            items = [self._canonical(_place(pointer, index), item, depth + 1) for index, item in enumerate(value)]
            return ("array", *items)
        return self._canonical_scalar(pointer, value)

    def _canonical_scalar(self, pointer: str | None, value: Any) -> Hashable:
        kind = type_of(value)
        if pointer is not None:
            name = self._rules.classes.at(pointer) if self._rules.classes else None
            if name is not None and is_of(value, name):
                return kind, name
            if kind == "number" and self._rules.tolerance_at(pointer):
                return kind, "about"
        return kind, value


def _place(pointer: str | None, key: str | int) -> str | None:
    if pointer is None:
        return None
    return child(pointer, key[:LONGEST_NAME] if isinstance(key, str) else key)
