"""Selects the endpoints to show, and their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.workbench.inventory.report import InventoryEntry

__all__ = ["ORDERS", "EndpointSelection"]

NEVER = datetime.min.replace(tzinfo=UTC)


def _requests(entry: InventoryEntry) -> float:
    return -entry.usage.requests if entry.usage is not None else 0


def _errors(entry: InventoryEntry) -> float:
    return -entry.usage.total.errors if entry.usage is not None else 0


def _p95(entry: InventoryEntry) -> float:
    return -(entry.usage.total.histogram.quantile(0.95) or 0) if entry.usage is not None else 0


def _size(entry: InventoryEntry) -> float:
    return -entry.usage.total.size if entry.usage is not None else 0


def _seen(entry: InventoryEntry) -> float:
    seen = entry.usage.total.seen if entry.usage is not None else None
    return -seen.timestamp() if seen is not None else 0


ORDERS: Mapping[str, Callable[[InventoryEntry], float | tuple[str, str]]] = {
    "url": lambda entry: (entry.endpoint.template, entry.endpoint.method),
    "requests": _requests,
    "errors": _errors,
    "p95": _p95,
    "bytes": _size,
    "seen": _seen,
}


@dataclass(frozen=True, slots=True)
class EndpointSelection:
    """Selects endpoints that meet all given conditions. `text` is part of the template, the name or the view. Without
    `grouped`, the admin's, static files, installed packages and format suffixes are left out unless a condition asks
    for them."""

    text: str = ""
    method: str | None = None
    app: str | None = None
    kind: str | None = None
    stage: str | None = None
    route: str | None = None
    dead: bool = False
    grouped: bool = False

    def __call__(self, entries: Iterable[InventoryEntry], order: str | None = None) -> list[InventoryEntry]:
        """The selected `entries`, in the URLconf's order or another one of `ORDERS`."""
        found = [entry for entry in entries if self._takes(entry)]
        return found if order is None else sorted(found, key=ORDERS[order])

    def _takes(self, entry: InventoryEntry) -> bool:
        one = entry.endpoint
        if not (self.grouped or self._asks_for_grouped) and self._is_grouped(entry):
            return False
        asked = (
            (self.method, one.method),
            (self.app, one.app),
            (self.kind, one.kind),
            (self.stage, entry.stage),
        )
        if any(wanted is not None and wanted != is_ for wanted, is_ in asked):
            return False
        if self.route is not None and self.route not in {claim.route for claim in entry.serving.claims}:
            return False
        if self.dead and entry.dead is None:
            return False
        return any(self.text in text for text in (one.template, one.name or "", one.view))

    @property
    def _asks_for_grouped(self) -> bool:
        return bool(self.text or self.app or self.kind or self.route)

    @staticmethod
    def _is_grouped(entry: InventoryEntry) -> bool:
        return entry.group in ("admin", "static", "installed") or entry.endpoint.format_suffix
