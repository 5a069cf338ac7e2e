"""Latencies, counted in buckets that grow by the same factor."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

__all__ = ["BOUNDS", "FACTOR", "Histogram"]


FACTOR = 2**0.25

LOWEST = 0.0001

# Up to 2 minutes. Stored counts refer to these by their place: changing them changes what is stored.
BOUNDS = tuple(LOWEST * FACTOR**place for place in range(82))


class Histogram:
    """How long requests took, counted between `BOUNDS`: a quantile is off by less than `FACTOR`.

    That holds above 0.1 ms, to 2 minutes. What is faster counts as up to 0.1 ms, what is slower as 2 minutes.
    `counts` are up to and with each bound; the last has none.
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)

    def __eq__(self, other: object) -> bool:
        return self.counts == other.counts if isinstance(other, Histogram) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # it changes

    def __repr__(self) -> str:
        return f"Histogram({self.to_json()})"

    @property
    def count(self) -> int:
        """How many were added."""
        return sum(self.counts)

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1

    def merge(self, other: Histogram) -> None:
        """Count what `other` counted, too."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]

    def copy(self) -> Histogram:
        """As it is now."""
        copied = Histogram()
        copied.counts = self.counts.copy()
        return copied

    def quantile(self, q: float) -> float | None:
        """The seconds that a share `q` took at most; None when nothing was added.

        Raises ValueError unless 0 ≤ q ≤ 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile is between 0 and 1, not {q}")
        left = q * self.count
        for place, count in enumerate(self.counts):
            if count and left <= count:
                lower, upper = _between(place)
                return lower + (upper - lower) * left / count
            left -= count
        return None

    def above(self, seconds: float) -> float:
        """How many took longer than `seconds`; of those in the same step as `seconds`, its part."""
        place = bisect_left(BOUNDS, seconds)
        slower = float(sum(self.counts[place + 1 :]))
        lower, upper = _between(place)
        return slower + (self.counts[place] * (upper - seconds) / (upper - lower) if upper > lower else 0.0)

    def to_json(self) -> dict[str, int]:
        """What is not zero, by its place among the bounds."""
        return {str(place): count for place, count in enumerate(self.counts) if count}

    @classmethod
    def from_json(cls, stored: Mapping[str, int]) -> Histogram:
        """What `to_json` gave. Raises ValueError where it can't have given that."""
        made = cls()
        for place, count in stored.items():
            if not (place.isdecimal() and int(place) <= len(BOUNDS)) or count < 1:
                raise ValueError(f"{place!r}: {count!r} is no count of a place from 0 to {len(BOUNDS)}")
            made.counts[int(place)] = count
        return made


def _between(place: int) -> tuple[float, float]:
    """Both ends of a step."""
    return BOUNDS[place - 1] if place else 0.0, BOUNDS[min(place, len(BOUNDS) - 1)]
