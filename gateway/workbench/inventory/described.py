"""The inventory in the form of `InventoryDocument` in workbench/shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.stats.endpoint_stats import EndpointStats
from gateway.workbench.inventory.details import details_of
from gateway.workbench.shapes import stage

if TYPE_CHECKING:
    from gateway.workbench.drf.documented import Document, Documented
    from gateway.workbench.inventory.coverage import Coverage
    from gateway.workbench.inventory.ranking import Candidate
    from gateway.workbench.inventory.report import Inventory, InventoryEntry, MoveProgress
    from gateway.workbench.inventory.uses import Uses

__all__ = ["describe_endpoint", "described", "documented_at", "relative"]


def described(
    found: Inventory, entries: Sequence[InventoryEntry], following: Sequence[Candidate], looked_up: LookedUp
) -> dict[str, Any]:
    """The whole inventory; with these endpoints, and these candidates to be moved next."""
    return {
        "days": found.days,
        "endpoints": [describe_endpoint(entry, looked_up) for entry in entries],
        "progress": _progress(found.progress),
        "taken": {route: [str(entry.endpoint) for entry in taken] for route, taken in found.taken.items()},
        "elsewhere": [
            {"upstream": one.upstream, "method": one.method, "label": one.label, "traffic": _traffic(one.stats)}
            for one in found.elsewhere
        ],
        "next": [
            {"endpoint": str(one.entry.endpoint), "score": one.score, "reasons": list(one.reasons)} for one in following
        ],
    }


class LookedUp:
    """What is looked up once for all endpoints: uses of their URLs, the tests' coverage, the API document."""

    def __init__(self, uses: Uses, coverage: Coverage | None, document: Document | None) -> None:
        self.uses = uses
        self.coverage = coverage
        self.document = document


def describe_endpoint(entry: InventoryEntry, looked_up: LookedUp) -> dict[str, Any]:
    """An entry in the form of `InventoryEndpoint`."""
    one, usage = entry.endpoint, entry.usage
    uses = looked_up.uses.of(one)
    return {
        "method": one.method,
        "template": one.template,
        "pattern": one.pattern,
        "parameters": [asdict(parameter) for parameter in one.parameters],
        "name": one.name,
        "view": one.view,
        "action": one.action,
        "app": one.app,
        "group": entry.group,
        "kind": one.kind,
        "written": {"file": relative(one.file), "line": one.line},
        "is_async": one.is_async,
        "is_format_suffix": one.format_suffix,
        "routes": [
            {
                "route": claim.route,
                "service": claim.service,
                "template": claim.template,
                "methods": list(claim.methods),
                "stage": stage(claim.state),
            }
            for claim in entry.serving.claims
        ],
        "stage": entry.stage,
        "dead": entry.dead,
        "legacy": None if usage is None else _traffic(usage.legacy),
        "service": None if usage is None else _traffic(usage.service),
        "details": asdict(details_of(one)),
        "documented": _documented(documented_at(one.method, one.template, looked_up.document)),
        "uses": [{"kind": use.kind, "file": relative(use.file), "line": use.line} for use in uses],
        "coverage_percent": looked_up.coverage.percent(one) if looked_up.coverage is not None else None,
    }


def documented_at(method: str, template: str, document: Document | None) -> Documented | None:
    """The API document's operation for an endpoint."""
    template = template.replace(".{format}", "{format}")  # DRF's converter includes the dot
    key = f"{method} {re.sub(r'{[^}]*}', '{}', template)}"
    return document.operations.get(key) if document is not None else None


def _documented(found: Documented | None) -> dict[str, Any] | None:
    if found is None:
        return None
    plain: Mapping[str, Any] = asdict(found)
    return {**plain, "parameters": [" ".join(one) for one in found.parameters]}


def _progress(progress: MoveProgress) -> dict[str, Any]:
    return {
        "endpoints": progress.endpoints,
        "endpoints_percent": progress.percent,
        "service_requests": progress.by_service,
        "legacy_requests": progress.by_legacy,
        "traffic_percent": progress.traffic_percent,
    }


def _traffic(stats: EndpointStats) -> dict[str, Any]:
    return {
        "requests": stats.requests,
        "errors": stats.errors,
        "p50_seconds": stats.histogram.quantile(0.5),
        "p95_seconds": stats.histogram.quantile(0.95),
        "body_bytes": stats.size,
        "seen": stats.seen,
        "parameters": sorted(stats.parameters),
    }


def relative(file: str) -> str:
    """A file's path relative to the current folder, or its full path if it is elsewhere."""
    here = Path.cwd()
    return str(Path(file).relative_to(here)) if file and Path(file).is_relative_to(here) else file
