"""The counts of one side of a route."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.stats.histogram import Histogram

__all__ = ["COUNTER_WINDOW", "FEW", "MOST_REASONS", "OTHERS", "SAMPLED", "Mirrored", "Tally"]


COUNTER_WINDOW = 10  # seconds that are counted together

SAMPLED = 4  # every fourth bucket is noted

FEW = 3  # callers; fewer are not representative if there are more

MOST_REASONS, OTHERS = 8, "other reasons"  # of fallbacks

ERROR = 500  # this status and above are server errors (RFC 9110, 15.6)


@dataclass(slots=True)
class Tally:
    """One side of one route: requests, how many of them failed, and how many failed and were answered by legacy.

    `callers` are hashes of the first FEW callers' addresses, `failing` of the first FEW whose requests failed: enough
    to know whether it was more than one. `buckets` are the buckets by which a canary included or excluded callers; only
    every SAMPLED-th bucket is noted. `reasons` counts fallbacks by their reason, of which MOST_REASONS are kept apart.
    """

    requests: int = 0
    errors: int = 0
    fallbacks: int = 0
    histogram: Histogram = field(default_factory=Histogram)
    callers: set[int] = field(default_factory=set)
    failing: set[int] = field(default_factory=set)
    buckets: set[int] = field(default_factory=set)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def error_rate(self) -> float:
        """The share of requests that failed, from 0 to 1; 0 when there were none."""
        return self.errors / self.requests if self.requests else 0.0

    def merge(self, other: Tally) -> None:
        """Add the counts of `other`."""
        self.requests += other.requests
        self.errors += other.errors
        self.fallbacks += other.fallbacks
        self.histogram.merge(other.histogram)
        self.callers |= other.callers
        self.failing |= other.failing
        self.buckets |= other.buckets
        for reason, number in other.reasons.items():
            self.add_reason(reason, number)

    def add_reason(self, reason: str, number: int = 1) -> None:
        """Count fallbacks for this reason; once there are many, together with others."""
        if reason not in self.reasons and len(self.reasons) >= MOST_REASONS:
            reason = OTHERS
        self.reasons[reason] = self.reasons.get(reason, 0) + number

    def copy(self) -> Tally:
        """An independent copy, read in the reverse of the order in which `Counters.request` counts."""
        histogram, fallbacks, errors = self.histogram.copy(), self.fallbacks, self.errors
        failing, callers = self.failing.copy(), self.callers.copy()
        buckets, reasons = self.buckets.copy(), self.reasons.copy()
        return Tally(self.requests, errors, fallbacks, histogram, callers, failing, buckets, reasons)


@dataclass(slots=True)
class Mirrored:
    """The counts of one route's mirrors. A compared response is equal, different or warned."""

    mirrored: int = 0  # sent to the other upstream
    equal: int = 0
    different: int = 0  # at least one breaking or critical difference
    critical: int = 0  # among `different`: at least one critical difference
    warned: int = 0  # differences, none of them breaking
    controls: int = 0  # one side called twice, to find what differs by itself
    errors: int = 0  # could not be compared
    callers: set[int] = field(default_factory=set)  # callers whose responses were compared; as in Tally
    differing: set[int] = field(default_factory=set)  # callers whose responses had breaking differences
    dropped: dict[str, int] = field(default_factory=dict)  # by reason: "queue", "lag", "busy", "size", …

    @property
    def compared(self) -> int:
        """How many responses were compared."""
        return self.equal + self.different + self.warned

    @property
    def parity(self) -> float | None:
        """The percentage of compared responses without a breaking difference; None when none were compared."""
        return 100 * (1 - self.different / self.compared) if self.compared else None

    def merge(self, other: Mirrored) -> None:
        """Add the counts of `other`."""
        for name in ("mirrored", "equal", "different", "critical", "warned", "controls", "errors"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.callers |= other.callers
        self.differing |= other.differing
        for reason, number in other.dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + number

    def copy(self) -> Mirrored:
        """An independent copy."""
        dropped = self.dropped.copy()
        critical = self.critical  # before `different`, which is counted first, so that it never exceeds it
        differing, callers = self.differing.copy(), self.callers.copy()
        counts = self.mirrored, self.equal, self.different, critical, self.warned, self.controls, self.errors
        return Mirrored(*counts, callers, differing, dropped)
