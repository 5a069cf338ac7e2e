"""How far two sides are apart, and within which band the true difference lies. Pure.

Bands are of 95 % confidence. That of a share is Wilson's (1927), that of a quantile the order statistics' (binomial),
and that of a difference Newcombe's (1998): the square root of the sum of both sides' squared margins.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

from gateway.stats.histogram import Histogram

__all__ = ["Band", "difference", "quantile_band", "share_band"]

Z = 1.96  # of 95 %, on both sides


@dataclass(frozen=True, slots=True)
class Band:
    """A value, and the bounds between which the true one lies."""

    value: float
    low: float
    high: float


def share_band(part: float, of: int) -> Band | None:
    """The band of a share, from 0 to 1; None without anything counted."""
    if not of:
        return None
    share = part / of
    middle = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    margin = Z / (1 + Z * Z / of) * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return Band(share, max(0.0, min(share, middle - margin)), min(1.0, max(share, middle + margin)))


def quantile_band(histogram: Histogram, q: float) -> Band | None:
    """The band of a quantile, in seconds; None without anything counted. Too few for an upper bound: infinity."""
    value, count = histogram.quantile(q), histogram.count
    if value is None:
        return None
    margin = Z * sqrt(q * (1 - q) / count)
    low = histogram.quantile(max(0.0, q - margin))
    high = histogram.quantile(q + margin) if q + margin <= 1 else inf
    return Band(value, value if low is None else low, value if high is None else high)


def difference(one: Band, other: Band) -> Band:
    """The band of `one` minus `other`."""
    value = one.value - other.value
    below = sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    above = sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Band(value, value - below, value + above)
