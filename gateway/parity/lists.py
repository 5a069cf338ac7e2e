"""Pairs the items of two lists. Items are represented by keys, equal for equal items."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

__all__ = ["Pairs", "by_position", "grouped"]

SEARCHED = 200  # items on each side between which an alignment is searched: difflib is quadratic

ItemKey = Callable[[int, Any], Hashable]
Same = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The indexes to compare with each other, and whether the remaining items are the same in another order."""

    pairs: list[tuple[int, int]]
    reordered: bool = False


def by_position(
    expected: Sequence[Any], actual: Sequence[Any], same: Same, key: ItemKey, *, search: bool = False
) -> Pairs:
    """Pair the items of two lists whose order counts.

    Lists of the same length: by position, unless the items that differ are the same in another order. Otherwise equal
    items are aligned, so that an insertion doesn't make everything after it differ; items between them are paired by
    position. `same` is a quick test that may be false for equal items; `key` is exact, and called for as few items as
    possible. With `search`, equal items are aligned in lists of the same length too.
    """
    if search or len(expected) != len(actual):
        return Pairs(_aligned(expected, actual, same, key))
    everywhere = range(len(expected))
    moved = [index for index in everywhere if not same(expected[index], actual[index])]
    was = [key(index, expected[index]) for index in moved]
    now = [key(index, actual[index]) for index in moved]
    if was == now or Counter(was) != Counter(now):
        return Pairs([(index, index) for index in everywhere])
    elsewhere = set(moved)
    return Pairs([(index, index) for index in everywhere if index not in elsewhere], reordered=True)


def _aligned(expected: Sequence[Any], actual: Sequence[Any], same: Same, key: ItemKey) -> list[tuple[int, int]]:
    shorter = min(len(expected), len(actual))
    start = next((i for i in range(shorter) if not same(expected[i], actual[i])), shorter)
    end = next((i for i in range(shorter - start) if not same(expected[-1 - i], actual[-1 - i])), shorter - start)
    was, now = range(start, len(expected) - end), range(start, len(actual) - end)
    pairs = [(index, index) for index in range(start)]
    if max(len(was), len(now)) > SEARCHED:
        pairs += zip(was, now, strict=False)
    else:
        keys = [key(index, expected[index]) for index in was], [key(index, actual[index]) for index in now]
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
            if tag in ("equal", "replace"):
                pairs += zip(was[i1:i2], now[j1:j2], strict=False)
    return pairs + [(len(expected) - i, len(actual) - i) for i in range(end, 0, -1)]


def grouped(
    expected: Sequence[Hashable], actual: Sequence[Hashable]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """For lists whose order doesn't count: the pairs with the same key, and the remaining indexes of each side."""
    places: dict[Hashable, list[int]] = defaultdict(list)
    for index in reversed(range(len(actual))):
        places[actual[index]].append(index)
    pairs: list[tuple[int, int]] = []
    missing: list[int] = []
    for index, key in enumerate(expected):
        if places.get(key):
            pairs.append((index, places[key].pop()))
        else:
            missing.append(index)
    return pairs, missing, sorted(index for left in places.values() for index in left)
