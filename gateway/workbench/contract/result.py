"""The result for an endpoint: what was compared, what differs, and what could not be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.parity.severity import Severity

__all__ = [
    "Compared",
    "ContractExample",
    "ContractFinding",
    "ContractKind",
    "ContractReport",
    "EndpointContract",
    "RouteContract",
    "Unknown",
]

# lifted: the view itself answers; rewritten: the service answers, with DRF's classes; plain: one side doesn't use DRF;
# new: the project has no such path.
ContractKind = Literal["lifted", "rewritten", "plain", "new"]


@dataclass(frozen=True, slots=True)
class ContractExample:
    """One value that the sides treat differently, as JSON, and each side's result."""

    value: str
    legacy: str
    service: str


@dataclass(frozen=True, slots=True)
class ContractFinding:
    """One difference. `area` is its part of the endpoint ("request", "permissions", …), `field` the dotted path of the
    field."""

    severity: Severity
    area: str
    message: str
    field: str = ""
    legacy: str = ""
    service: str = ""
    examples: tuple[ContractExample, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """Something that was compared, whatever the result; `detail` says how much."""

    area: str
    detail: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that can't be determined without rows or a request, and why."""

    area: str
    why: str


ContractReport = ContractFinding | Compared | Unknown


@dataclass(slots=True)
class EndpointContract:
    """One endpoint: `view` and `function` are the dotted names of what answers on each side."""

    method: str
    path: str
    view: str | None
    function: str
    kind: ContractKind
    findings: list[ContractFinding] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)

    def add(self, reports: Iterable[ContractReport]) -> None:
        """Add the reports of a rule."""
        for report in reports:
            if isinstance(report, ContractFinding):
                self.findings.append(report)
            elif isinstance(report, Compared):
                self.compared.append(report)
            elif report not in self.unknown:
                self.unknown.append(report)

    def blocking(self, *, strict: bool = False) -> list[ContractFinding]:
        """The findings that break the contract; `strict`: warnings too."""
        return [one for one in self.findings if one.severity.blocks or (strict and one.severity is Severity.WARNING)]

    def sorted_findings(self) -> list[ContractFinding]:
        """The findings, the worst first."""
        return sorted(self.findings, key=lambda one: one.severity.rank)


@dataclass(frozen=True, slots=True)
class RouteContract:
    """One route with its endpoints."""

    route: str
    service: str
    endpoints: Sequence[EndpointContract]
    skipped: str = ""  # why nothing was compared

    def blocking(self, *, strict: bool = False) -> Iterator[tuple[EndpointContract, ContractFinding]]:
        """The findings that break the contract, each with its endpoint."""
        return ((endpoint, one) for endpoint in self.endpoints for one in endpoint.blocking(strict=strict))


def plain(value: Any) -> str:
    """`value` for a message: short, and without a database query."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
