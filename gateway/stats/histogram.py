"""Latency histograms with buckets that grow by a constant factor."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import accumulate

__all__ = ["BOUNDS", "FACTOR", "Histogram"]


FACTOR = 2**0.25

LOWEST = 0.0001

# Up to 2 minutes. Stored counts refer to bounds by index: changing the bounds invalidates what is stored.
BOUNDS = tuple(LOWEST * FACTOR**place for place in range(82))

_PLACES = {str(place): place for place in range(len(BOUNDS) + 1)}


class Histogram:
    """The durations of requests, counted between `BOUNDS`: a quantile is off by less than `FACTOR`.

    That holds from 0.1 ms to 2 minutes. Shorter ones count as 0.1 ms, longer ones as 2 minutes. `counts` has the number
    up to and including each bound, and the number above the last.
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
        """How many durations were added."""
        return sum(self.counts)

    def add(self, seconds: float) -> None:
        """Add one duration."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1

    def merge(self, other: Histogram) -> None:
        """Add the counts of `other`."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]

    def copy(self) -> Histogram:
        """An independent copy."""
        copied = Histogram()
        copied.counts = self.counts.copy()
        return copied

    def quantile(self, q: float) -> float | None:
        """The duration, in seconds, that a share `q` did not exceed; None when nothing was added.

        Raises ValueError unless 0 ≤ q ≤ 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile is between 0 and 1, not {q}")
        upto = [*accumulate(self.counts)]
        if not (total := upto[-1]):
            return None
        wanted = q * total
        place = bisect_left(upto, wanted) if wanted else bisect_right(upto, 0)
        count = self.counts[place]
        lower, upper = _between(place)
        return lower + (upper - lower) * (wanted - (upto[place] - count)) / count

    def above(self, seconds: float) -> float:
        """How many took longer than `seconds`; the bucket that contains `seconds` is counted proportionally."""
        place = bisect_left(BOUNDS, seconds)
        slower = float(sum(self.counts[place + 1 :]))
        lower, upper = _between(place)
        return slower + (self.counts[place] * (upper - seconds) / (upper - lower) if upper > lower else 0.0)

    def to_json(self) -> dict[str, int]:
        """The counts that aren't zero, by index."""
        return {str(place): count for place, count in enumerate(self.counts) if count}

    @classmethod
    def from_json(cls, stored: Mapping[str, int]) -> Histogram:
        """The histogram from what `to_json` returned. Raises ValueError for anything else."""
        made = cls()
        made.add_json(stored)
        return made

    def add_json(self, stored: Mapping[str, int]) -> None:
        """Add the counts that `to_json` returned. Raises ValueError for anything else."""
        counts = self.counts
        if not (stored.keys() <= _PLACES.keys() and min(stored.values(), default=1) > 0):
            raise ValueError(f"in {stored!r} there is what is no count of a place from 0 to {len(BOUNDS)}")
        for place, count in stored.items():
            counts[_PLACES[place]] += count


def _between(place: int) -> tuple[float, float]:
    """The bounds of a bucket."""
    return BOUNDS[place - 1] if place else 0.0, BOUNDS[min(place, len(BOUNDS) - 1)]
