"""What tells the items of a list apart: a field that every item has, and no two have the same."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

__all__ = ["identity_of"]

# In the order in which they are trusted. The last are what Django projects look rows up by where there is no number.
NAMES = ("id", "pk", "uuid", "guid", "slug", "url", "key", "code")


def identity_of(expected: Sequence[Any], actual: Sequence[Any]) -> str | None:
    """The name of the field by which the items of both lists are known; None where they have none.

    Legacy's items must be told apart by it; the service's may repeat, which is then a difference. Where both sides have
    items and none in common, the field is made anew by each side and tells nothing.
    """
    if not expected and not actual:
        return None
    return next((name for name in NAMES if _tells_apart(name, expected, actual)), None)


def _tells_apart(name: str, expected: Sequence[Any], actual: Sequence[Any]) -> bool:
    was, now = _values(name, expected), _values(name, actual)
    if was is None or now is None or len(set(was)) < len(was):
        return False
    return not was or not now or not set(was).isdisjoint(now)


def _values(name: str, items: Sequence[Any]) -> list[object] | None:
    """The field's value of each item; None unless each item is an object that has one."""
    values: list[object] = []
    for item in items:
        value = item.get(name) if isinstance(item, dict) else None
        if not isinstance(value, str | Decimal):
            return None
        values.append(value)
    return values
