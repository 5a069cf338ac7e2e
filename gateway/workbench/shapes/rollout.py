"""Documents about routes' stages and their changes: `gateway status`, `promote`, `diffs`, `history`, `sign` …"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from gateway.workbench.shapes.envelope import Count, Envelope, Moment, Percent, Shape, Stage, stage

if TYPE_CHECKING:
    from gateway.control.transitions import Transition

__all__ = [
    "AcceptDocument",
    "AcceptedUntil",
    "Change",
    "DifferenceGroup",
    "Differences",
    "DiffsDocument",
    "Example",
    "HistoryDocument",
    "MirrorCounts",
    "MoveDocument",
    "Orphan",
    "ResolveDocument",
    "ResolvedDifference",
    "RouteDifferences",
    "RouteStatus",
    "RouteTraffic",
    "Side",
    "SignDocument",
    "StatusDocument",
    "Verdict",
    "Worker",
    "change",
]


class Change(Shape):
    """One change of a route."""

    revision: int
    at: Moment
    who: str
    route: str
    verb: Literal["promote", "rollback", "pause", "resume", "clear", "record"]
    before: Stage
    after: Stage
    why: str
    anyway: bool = Field(description="although evidence was missing or a hook refused")


def change(moved: Transition) -> dict[str, Any]:
    """A `Change`."""
    return asdict(moved) | {"before": stage(moved.before), "after": stage(moved.after)}


class Side(Shape):
    """One side of a route."""

    requests: Count
    errors: Count
    fallbacks: Count
    error_percent: Percent
    p50_seconds: float | None
    p95_seconds: float | None


class MirrorCounts(Shape):
    """The mirrors of a route, by result."""

    mirrored: Count
    compared: Count
    equal: Count
    different: Count
    warned: Count
    controls: Count
    errors: Count = Field(description="could not be compared")
    parity_percent: Percent | None = Field(description="null where nothing was compared")
    dropped: dict[str, int] = Field(description="by reason")


class RouteTraffic(Shape):
    """The counts of all workers for a route."""

    seconds: float = Field(description="over how long")
    service: Side
    legacy: Side
    mirrors: MirrorCounts
    service_mirrored: Side
    legacy_mirrored: Side
    middleware: Count = Field(description="requests that failed by the project's middleware")
    shared: Count = Field(description="requests that failed by what both sides lean on")


class Differences(Shape):
    """The number of stored differences, by state and severity."""

    breaking: Count = Field(description="open; the critical among them")
    critical: Count
    warning: Count
    note: Count
    settled: Count = Field(description="resolved or mended")
    noise: Count
    beyond: Count = Field(description="those there was no room for")


class Verdict(Shape):
    """The guard's verdict."""

    verdict: Literal["healthy", "failing", "inconclusive"]
    reasons: list[str]


class RouteStatus(Shape):
    """The status of a route. What only the database knows is null without `gateway.control`."""

    route: str
    service: str
    declared: Stage = Field(description="what the file says")
    effective: Stage = Field(description="what is in force")
    changed: bool = Field(description="whether it was moved at run time")
    revision: Count | None = Field(None, description="of its last move; 0 where there was none")
    since: Moment | None = None
    who: str | None = None
    why: str | None = None
    verdict: Verdict | None = Field(None, description="null where nothing is judged")
    window: RouteTraffic | None = Field(None, description="what the verdict is on")
    hour: RouteTraffic | None = Field(None, description="the last hour")
    differences: Differences | None = None
    lacking: str | None = Field(None, description="in canary: that too little was compared to go further")
    next: str | None = Field(None, description="what happens by itself, in words")


class Orphan(Shape):
    """A route that the file no longer has."""

    route: str
    effective: Stage
    revision: Count
    since: Moment | None
    who: str
    why: str


class Worker(Shape):
    """A process that was seen in the last minute."""

    id: str
    host: str
    pid: int
    started: Moment
    seen: Moment
    revision: Count
    lost_requests: Count
    lost_differences: Count
    resting: dict[str, str] = Field(description="services that it leaves alone, and why")
    refused: dict[str, int] = Field(description="requests that it refused, by status")
    releases: dict[str, str] = Field(description="the release of each of its services")


class StatusDocument(Envelope):
    """`gateway status`. With `--watch`, one per line, possibly with an `error` among them."""

    control: bool = Field(description="whether the project has `gateway.control`")
    revision: Count | None = Field(description="of the last move; 0 where there was none")
    routes: list[RouteStatus]
    orphans: list[Orphan]
    workers: list[Worker]


class MoveDocument(Envelope):
    """`gateway promote`, `rollback`, `pause`, `resume` and `clear`, if successful."""

    change: Change
    workers: Count = Field(description="how many follow")
    next: str | None = Field(description="where `promote` goes from there; null from the last stage")


class Example(Shape):
    """One response that differed, redacted."""

    at: Moment
    target: str
    pointer: str
    expected: Any
    actual: Any


class DifferenceGroup(Shape):
    """A group of differences."""

    fingerprint: str = Field(description="its key")
    template: str
    kind: str
    pointer: str
    severity: Literal["critical", "breaking", "warning", "note"]
    summary: str
    state: Literal["open", "noise", "resolved", "mended"]
    release: str = Field(description="under which it was seen last")
    count: Count = Field(description="answers that differed so")
    noise: Count = Field(description="of legacy's from its own")
    noise_why: str
    first_seen: Moment
    last_seen: Moment
    resolved: Moment | None
    resolved_by: str | None
    resolved_why: str | None
    examples: list[Example]


class RouteDifferences(Shape):
    """What is stored for a route."""

    route: str
    groups: list[DifferenceGroup] = Field(description="what is open first, the worst first")


class DiffsDocument(Envelope):
    """`gateway diffs`."""

    routes: list[RouteDifferences] = Field(description="all, or the one that was named")


class ResolvedDifference(Shape):
    """A difference that is resolved until it is seen again."""

    route: str
    fingerprint: str
    summary: str
    resolved: Moment
    resolved_by: str
    resolved_why: str


class AcceptedUntil(Shape):
    """A difference that doesn't count until the end of a day."""

    route: str
    fingerprint: str
    summary: str
    until: str = Field(description="the last day, such as 2026-12-31")
    accepted_by: str
    accepted_why: str


class AcceptDocument(Envelope):
    """`gateway diffs accept`."""

    difference: AcceptedUntil


class ResolveDocument(Envelope):
    """`gateway diffs resolve`."""

    difference: ResolvedDifference


class HistoryDocument(Envelope):
    """`gateway history`."""

    changes: list[Change] = Field(description="the newest first")


class SignDocument(Envelope):
    """`gateway sign`."""

    route: str
    side: Literal["service", "legacy"]
    header: str
    value: str
    expires: Moment
