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
    errors: Count = Field(description="mirrors that could not be compared")
    parity_percent: Percent | None = Field(description="null if nothing was compared")
    dropped: dict[str, int] = Field(description="number of dropped mirrors, by reason")


class RouteTraffic(Shape):
    """The counts of all workers for a route."""

    seconds: float = Field(description="length of the period")
    service: Side
    legacy: Side
    mirrors: MirrorCounts
    service_mirrored: Side
    legacy_mirrored: Side
    middleware: Count = Field(description="requests that failed because of the project's middleware")
    shared: Count = Field(description="requests that failed because of a store that both sides use")


class Differences(Shape):
    """The number of stored differences, by state and severity."""

    breaking: Count = Field(description="open ones, including critical ones")
    critical: Count
    warning: Count
    note: Count
    settled: Count = Field(description="resolved or mended")
    noise: Count
    beyond: Count = Field(description="differences beyond the limit, which are not stored")


class Verdict(Shape):
    """The guard's verdict."""

    verdict: Literal["healthy", "failing", "inconclusive"]
    reasons: list[str]


class RouteStatus(Shape):
    """The status of a route. What only the database knows is null without `gateway.control`."""

    route: str
    service: str
    declared: Stage = Field(description="the stage in the file")
    effective: Stage = Field(description="the current stage")
    changed: bool = Field(description="whether the stage was changed at run time")
    revision: Count | None = Field(None, description="of the last change; 0 if there was none")
    since: Moment | None = None
    who: str | None = None
    why: str | None = None
    verdict: Verdict | None = Field(None, description="null if the guard doesn't judge the route")
    window: RouteTraffic | None = Field(None, description="the period of the verdict")
    hour: RouteTraffic | None = Field(None, description="the last hour")
    differences: Differences | None = None
    lacking: str | None = Field(None, description="in canary: what is missing for the next step")
    next: str | None = Field(None, description="the next automatic step, in words")


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
    resting: dict[str, str] = Field(description="services whose circuit breaker is not closed, and why")
    refused: dict[str, int] = Field(description="number of refused requests, by status")
    releases: dict[str, str] = Field(description="the release of each of its services")


class StatusDocument(Envelope):
    """`gateway status`. With `--watch`, one per line, possibly with an `error` among them."""

    control: bool = Field(description="whether the project has `gateway.control`")
    revision: Count | None = Field(description="of the last change; 0 if there was none")
    routes: list[RouteStatus]
    orphans: list[Orphan]
    workers: list[Worker]


class MoveDocument(Envelope):
    """`gateway promote`, `rollback`, `pause`, `resume` and `clear`, if successful."""

    change: Change
    workers: Count = Field(description="number of processes that follow the change")
    next: str | None = Field(description="the stage after the next `promote`; null at the last stage")


class Example(Shape):
    """One response that differed, redacted."""

    at: Moment
    target: str
    pointer: str
    expected: Any
    actual: Any


class DifferenceGroup(Shape):
    """A group of differences."""

    fingerprint: str = Field(description="identifies the group")
    template: str
    kind: str
    pointer: str
    severity: Literal["critical", "breaking", "warning", "note"]
    summary: str
    state: Literal["open", "noise", "resolved", "mended"]
    release: str = Field(description="the release with which it was seen last")
    count: Count = Field(description="number of responses with this difference")
    noise: Count = Field(description="number of times that legacy differed so from itself")
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
    groups: list[DifferenceGroup] = Field(description="open ones first, then by severity")


class DiffsDocument(Envelope):
    """`gateway diffs`."""

    routes: list[RouteDifferences] = Field(description="all routes, or the named one")


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

    changes: list[Change] = Field(description="newest first")


class SignDocument(Envelope):
    """`gateway sign`."""

    route: str
    side: Literal["service", "legacy"]
    header: str
    value: str
    expires: Moment
