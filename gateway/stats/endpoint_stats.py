"""The counts of one endpoint over some days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.stats.histogram import Histogram

__all__ = ["EndpointStats"]


@dataclass(slots=True)
class EndpointStats:
    """One endpoint of an upstream, over some days. `seen` is the time of its last request, to half a minute."""

    requests: int = 0
    errors: int = 0
    size: int = 0  # bytes of bodies
    histogram: Histogram = field(default_factory=Histogram)
    parameters: set[str] = field(default_factory=set)  # names in query strings
    seen: datetime | None = None

    def merge(self, other: EndpointStats) -> None:
        """Add the counts of `other`."""
        self.requests += other.requests
        self.errors += other.errors
        self.size += other.size
        self.histogram.merge(other.histogram)
        self.parameters |= other.parameters
        self.seen = max((seen for seen in (self.seen, other.seen) if seen is not None), default=None)
