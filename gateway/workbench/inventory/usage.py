"""The traffic of each endpoint, whichever upstream answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.routing.table import ANY
from gateway.stats.endpoint_stats import EndpointStats
from gateway.stats.traffic import NO_VIEW, OTHER, STATIC, EndpointKey
from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.serving import Serving

__all__ = ["Elsewhere", "Usage", "usage_by_endpoint"]

LEGACY = "legacy"
WORDS = {
    NO_VIEW: "no view: a middleware answered, or no URL matched",
    STATIC: "static files",
    OTHER: "more endpoints than are counted one by one",
}


@dataclass(slots=True)
class Usage:
    """The counts of an endpoint: answered by Django, and by the service of its route."""

    legacy: EndpointStats = field(default_factory=EndpointStats)
    service: EndpointStats = field(default_factory=EndpointStats)

    @property
    def requests(self) -> int:
        """The requests of both."""
        return self.legacy.requests + self.service.requests

    @property
    def total(self) -> EndpointStats:
        """The counts of both together."""
        whole = EndpointStats()
        whole.merge(self.legacy)
        whole.merge(self.service)
        return whole


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Counts that belong to no endpoint of the project's URLconf: files, 404s, further endpoints of services."""

    upstream: str
    method: str
    label: str
    stats: EndpointStats


def usage_by_endpoint(
    counted: Mapping[EndpointKey, EndpointStats], served: Mapping[Endpoint, Serving]
) -> tuple[dict[Endpoint, Usage], list[Elsewhere]]:
    """The counts by endpoint; and the rest."""
    left = dict(counted)
    labels: dict[tuple[str, str], list[str]] = {}
    for upstream, method, label in counted:
        labels.setdefault((upstream, label), []).append(method)
    found = {endpoint: Usage() for endpoint in served}
    # Endpoints that aren't hidden first: counts under a common pattern belong to them.
    for endpoint, serving in sorted(served.items(), key=lambda item: item[1].hidden_by is not None):
        usage = found[endpoint]
        for route in endpoint.routes:
            _take(usage.legacy, left, LEGACY, route, _methods(endpoint, labels.get((LEGACY, route), ())))
        for claim in serving.claims:
            methods = _methods(endpoint, labels.get((claim.service, claim.template), ()))
            _take(usage.service, left, claim.service, claim.template, methods)
    rest = [Elsewhere(*key[:2], WORDS.get(key[2], key[2]), stats) for key, stats in left.items()]
    return found, sorted(rest, key=lambda one: -one.stats.requests)


def _methods(endpoint: Endpoint, counted: Sequence[str]) -> list[str]:
    """Those of `counted` that belong to this endpoint: HEAD belongs to GET."""
    if endpoint.method == ANY:
        return [*counted]
    return [method for method in counted if method == endpoint.method or (method, endpoint.method) == ("HEAD", "GET")]


def _take(
    stats: EndpointStats, left: dict[EndpointKey, EndpointStats], upstream: str, label: str, methods: Sequence[str]
) -> None:
    for method in methods:
        if (found := left.pop((upstream, method, label), None)) is not None:
            stats.merge(found)
