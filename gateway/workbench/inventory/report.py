"""The inventory as a whole: each endpoint with its upstream and traffic, and the progress of the move."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.rollout.stage import LIVE, RETIRED, STAGES
from gateway.stats.endpoint_stats import EndpointStats
from gateway.wording import message
from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.serving import Serving, serving
from gateway.workbench.inventory.urlconf import endpoints
from gateway.workbench.inventory.usage import Elsewhere, Usage, usage_by_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.snapshot import Snapshot
    from gateway.stats.traffic import EndpointKey

__all__ = ["Inventory", "InventoryEntry", "MoveProgress", "inventory"]

LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """An endpoint, its upstream and its traffic; `usage` is None if nothing is counted."""

    endpoint: Endpoint
    serving: Serving
    usage: Usage | None

    @property
    def stage(self) -> str:
        """The stage of the route that claims it; "legacy" without one."""
        claimed = self.serving.claimed
        return claimed.state.stage if claimed is not None else LEGACY

    @property
    def group(self) -> str:
        """The group in which it is listed: its app, the admin, static files or installed packages."""
        kind = self.endpoint.kind
        return kind if kind in ("admin", "static") else "installed" if self.endpoint.third_party else self.endpoint.app

    @property
    def own(self) -> bool:
        """Whether it counts for the progress: the project's own, reachable, and not a variant of another one."""
        grouped = self.group in ("admin", "static", "installed")
        return not (grouped or self.endpoint.format_suffix or self.serving.hidden_by)

    @property
    def dead(self) -> str | None:
        """Why it can't be reached; None if it can."""
        if self.serving.hidden_by is not None:
            return message("hidden by {pattern!r}, which comes before it", pattern=self.serving.hidden_by)
        if self.usage is not None and not self.usage.requests:
            return message("no request")
        return None


@dataclass(frozen=True, slots=True)
class MoveProgress:
    """The progress of the move: the project's own endpoints by stage, and their requests by upstream."""

    endpoints: dict[str, int]
    by_service: int
    by_legacy: int

    @property
    def moved(self) -> int:
        """The number of endpoints that are live or retired."""
        return self.endpoints[LIVE] + self.endpoints[RETIRED]

    @property
    def percent(self) -> float | None:
        """The percentage of endpoints that have moved; None without endpoints."""
        total = sum(self.endpoints.values())
        return 100 * self.moved / total if total else None

    @property
    def traffic_percent(self) -> float | None:
        """The percentage of requests that services answered; None without requests."""
        total = self.by_service + self.by_legacy
        return 100 * self.by_service / total if total else None


@dataclass(frozen=True, slots=True)
class Inventory:
    """All endpoints in the URLconf's order; `elsewhere` has counts of no endpoint. `days` is the number of days that
    are included, `since` the time of the first counted request."""

    entries: tuple[InventoryEntry, ...]
    elsewhere: tuple[Elsewhere, ...]
    days: int

    @property
    def progress(self) -> MoveProgress:
        """The progress of the move."""
        own = [entry for entry in self.entries if entry.own]
        stages = Counter(entry.stage for entry in own)
        usages = [entry.usage for entry in own if entry.usage is not None]
        return MoveProgress(
            {stage: stages[stage] for stage in STAGES},
            sum(usage.service.requests for usage in usages),
            sum(usage.legacy.requests for usage in usages),
        )

    @property
    def taken(self) -> dict[str, list[InventoryEntry]]:
        """By route, the endpoints that it takes over from Django."""
        found: dict[str, list[InventoryEntry]] = {}
        for entry in self.entries:
            for claim in entry.serving.claims:
                found.setdefault(claim.route, []).append(entry)
        return found


def inventory(snapshot: Snapshot, counted: Mapping[EndpointKey, EndpointStats] | None, days: int) -> Inventory:
    """Everything that Django serves. `counted` has the counts of the last `days`, None if nothing is counted."""
    served = serving(endpoints(), snapshot)
    if counted is None:
        return Inventory(tuple(InventoryEntry(one, serves, None) for one, serves in served.items()), (), days)
    usages, elsewhere = usage_by_endpoint(counted, served)
    entries = [InventoryEntry(one, serves, usages[one]) for one, serves in served.items()]
    return Inventory(tuple(entries), tuple(elsewhere), days)
