"""What was compared of an endpoint, what differs, and what could not be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.parity.severity import Severity

__all__ = ["Compared", "Contract", "EndpointContract", "Example", "Finding", "Kind", "Report", "Unknown"]

# lifted: the view itself answers; rewritten: the service does, with DRF's classes; plain: one side is without DRF;
# new: the project has no such path.
Kind = Literal["lifted", "rewritten", "plain", "new"]


@dataclass(frozen=True, slots=True)
class Example:
    """One value that the sides treat differently, as JSON, and what each of them makes of it."""

    value: str
    legacy: str
    service: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `area` is what it is in ("request", "permissions", …), `field` the path of the field, dotted."""

    severity: Severity
    area: str
    message: str
    field: str = ""
    legacy: str = ""
    service: str = ""
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """Something that was compared, whatever came of it: `detail` says how much."""

    area: str
    detail: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that can't be told without rows or a request, and why."""

    area: str
    why: str


Report = Finding | Compared | Unknown


@dataclass(slots=True)
class EndpointContract:
    """One endpoint: `view` and `function` are the dotted names of what answers on each side."""

    method: str
    path: str
    view: str | None
    function: str
    kind: Kind
    findings: list[Finding] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)

    def add(self, reports: Iterable[Report]) -> None:
        """Take in what a rule reports."""
        for report in reports:
            if isinstance(report, Finding):
                self.findings.append(report)
            elif isinstance(report, Compared):
                self.compared.append(report)
            elif report not in self.unknown:
                self.unknown.append(report)

    def blocking(self, *, strict: bool = False) -> list[Finding]:
        """The findings that keep the contract: `strict`, warnings too."""
        return [one for one in self.findings if one.severity.blocks or (strict and one.severity is Severity.WARNING)]

    def sorted_findings(self) -> list[Finding]:
        """The worst first."""
        return sorted(self.findings, key=lambda one: one.severity.rank)


@dataclass(frozen=True, slots=True)
class Contract:
    """One route with its endpoints."""

    route: str
    service: str
    endpoints: Sequence[EndpointContract]
    skipped: str = ""  # why none was compared

    def blocking(self, *, strict: bool = False) -> Iterator[tuple[EndpointContract, Finding]]:
        """The findings that keep the contract, each with its endpoint."""
        return ((endpoint, one) for endpoint in self.endpoints for one in endpoint.blocking(strict=strict))


def plain(value: Any) -> str:
    """`value` in a message: short, and without asking a database."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
