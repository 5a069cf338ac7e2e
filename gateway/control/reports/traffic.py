"""The traffic of a route: both sides, and mirrors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.control.statistics import RouteStats
from gateway.stats.tally import Mirrored, Tally

__all__ = ["MirrorStats", "SideStats", "TrafficStats", "traffic_stats"]


@dataclass(frozen=True, slots=True)
class SideStats:
    """One side of a route. `error_rate` is a share from 0 to 1; `p50` and `p95` are seconds, None without requests."""

    requests: int
    errors: int
    fallbacks: int
    error_rate: float
    p50: float | None
    p95: float | None


NO_SIDE = SideStats(0, 0, 0, 0.0, None, None)


@dataclass(frozen=True, slots=True)
class MirrorStats:
    """A route's mirrors. `parity` is a percentage, None when nothing was compared; `dropped` is by reason."""

    mirrored: int
    compared: int
    equal: int
    different: int
    warned: int
    controls: int
    errors: int
    parity: float | None
    dropped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TrafficStats:
    """The traffic of a route in all workers in the last `seconds`: both sides, for callers and for mirrors.

    `middleware` and `shared` are the numbers of requests for the service that failed in the project's middleware, or
    because of a store that legacy uses too; they are in no other number here.
    """

    seconds: float
    service: SideStats
    legacy: SideStats
    mirrors: MirrorStats
    service_mirrored: SideStats = NO_SIDE
    legacy_mirrored: SideStats = NO_SIDE
    middleware: int = 0
    shared: int = 0


def traffic_stats(seconds: float, seen: RouteStats) -> TrafficStats:
    """The counts of `seconds` seconds, in the form that is shown."""
    return TrafficStats(
        seconds,
        _side(seen.service),
        _side(seen.legacy),
        _mirrors(seen.mirrored),
        _side(seen.service_mirrored),
        _side(seen.legacy_mirrored),
        seen.middleware.requests,
        seen.shared.requests,
    )


def _side(tally: Tally) -> SideStats:
    if not tally.requests:
        return NO_SIDE
    p50, p95 = tally.histogram.quantile(0.5), tally.histogram.quantile(0.95)
    return SideStats(tally.requests, tally.errors, tally.fallbacks, tally.error_rate, p50, p95)


def _mirrors(seen: Mirrored) -> MirrorStats:
    return MirrorStats(
        mirrored=seen.mirrored,
        compared=seen.compared,
        equal=seen.equal,
        different=seen.different,
        warned=seen.warned,
        controls=seen.controls,
        errors=seen.errors,
        parity=seen.parity,
        dropped=dict(sorted(seen.dropped.items())),
    )
