"""A route's metrics: each side, how far the service is from legacy, and how certain that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log

from gateway.config.routes import RouteConfig
from gateway.control.evidence_queries import releases
from gateway.control.models import Worker
from gateway.control.statistics import RouteStats, traffic
from gateway.rollout.bands import Band, difference, quantile_band, share_band
from gateway.rollout.cohort import BUCKETS
from gateway.rollout.stage import SHADOW
from gateway.stats.tally import SAMPLED, Tally

__all__ = ["Metric", "RouteMetrics", "callers_of", "route_metrics"]

HOUR = 3600.0  # seconds
P50, P95 = 0.5, 0.95


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: "errors" and "parity" are shares from 0 to 1, "p50" and "p95" seconds. Values are None where nothing
    was counted; `apart` is the service's minus legacy's. `samples` are the service's, `against` legacy's."""

    name: str
    service: Band | None
    legacy: Band | None
    apart: Band | None
    samples: int
    against: int


@dataclass(frozen=True, slots=True)
class RouteMetrics:
    """The metrics of the last hour, or `since` the route's last change if that was later. `mirrored`: the service's
    side is that of mirrors.

    `requests` and `callers` are those of the last hour, of both sides; `callers` is an estimate, None where no cohort
    was asked for.
    """

    metrics: tuple[Metric, ...]
    mirrored: bool
    since: datetime | None
    requests: int
    callers: int | None
    fallbacks: tuple[tuple[str, int], ...]  # of the last hour by reason, the most frequent first


def route_metrics(
    route: RouteConfig, stage: str, since: datetime | None, now: datetime, rows: Sequence[Worker] | None = None
) -> RouteMetrics:
    """The metrics of `route`, at `stage` since then. `now` is an aware datetime. `rows` are those of all processes, if
    they were read before."""
    at = now.timestamp()
    first = max(at - HOUR, since.timestamp() if since is not None else 0.0)
    seen = traffic({route.name: first}, releases([route], rows))[route.name]
    hour = traffic({route.name: at - HOUR})[route.name] if first > at - HOUR else seen
    mirrored = stage == SHADOW or not seen.service.requests
    service = seen.service_mirrored if mirrored else seen.service
    legacy = seen.legacy if seen.legacy.requests else seen.legacy_mirrored
    return RouteMetrics(
        metrics=(*_both(service, legacy), _parity(seen)),
        mirrored=mirrored and bool(service.requests),
        since=since if first > at - HOUR else None,
        requests=hour.service.requests + hour.legacy.requests,
        callers=callers_of(hour.service.buckets | hour.legacy.buckets),
        fallbacks=tuple(sorted(hour.service.reasons.items(), key=lambda found: -found[1])),
    )


def _both(service: Tally, legacy: Tally) -> list[Metric]:
    found = [
        _metric(
            "errors",
            share_band(service.errors, service.requests),
            share_band(legacy.errors, legacy.requests),
            service,
            legacy,
        )
    ]
    for name, q in (("p50", P50), ("p95", P95)):
        found.append(
            _metric(name, quantile_band(service.histogram, q), quantile_band(legacy.histogram, q), service, legacy)
        )
    return found


def _metric(name: str, one: Band | None, other: Band | None, service: Tally, legacy: Tally) -> Metric:
    apart = difference(one, other) if one is not None and other is not None else None
    return Metric(name, one, other, apart, service.requests, legacy.requests)


def _parity(seen: RouteStats) -> Metric:
    mirrored = seen.mirrored
    equal = share_band(mirrored.compared - mirrored.different, mirrored.compared)
    return Metric("parity", equal, None, None, mirrored.compared, 0)


def callers_of(buckets: set[int]) -> int | None:
    """About how many callers are in these buckets, of which every SAMPLED-th is noted; None without any.

    Several callers share a bucket: of n callers in b buckets, b * (1 - exp(-n / b)) buckets are seen (occupancy
    problem).
    """
    noted = BUCKETS // SAMPLED
    if not buckets or len(buckets) >= noted:
        return None
    return round(-BUCKETS * log(1 - len(buckets) / noted))
