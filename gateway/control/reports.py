"""What the command line and the admin show, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.config import RouteConfig
from gateway.control.moves import Moved, Standing
from gateway.rollout.guard import Judgement
from gateway.rollout.stage import State

__all__ = [
    "DifferenceReport",
    "Differences",
    "Mirrors",
    "Orphan",
    "RouteStatus",
    "Side",
    "Traffic",
    "WorkerReport",
    "changes",
    "differences",
    "orphans",
    "status",
    "workers",
]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a route. `error_rate` is a share from 0 to 1; `p50` and `p95` are seconds, None without requests."""

    requests: int
    errors: int
    fallbacks: int
    error_rate: float
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Mirrors:
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
class Traffic:
    """What all workers saw of a route in the last `seconds`."""

    seconds: float
    service: Side
    legacy: Side
    mirrors: Mirrors


@dataclass(frozen=True, slots=True)
class Differences:
    """How many groups of differences are stored, by severity, and how many differences had no room."""

    breaking: int = 0
    warning: int = 0
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """One route. `standing` is where it stands now: its `revision` is 0 unless that was changed at run time.

    `window` is the traffic that the guard judges, `hour` that of the last hour; `verdict` is None where nothing is
    judged: at legacy and retired, and without a guard. `next` says in words what happens by itself, and when.
    """

    route: str
    service: str
    declared: State
    standing: Standing
    window: Traffic
    hour: Traffic
    differences: Differences
    verdict: Judgement | None
    next: str

    @property
    def effective(self) -> State:
        """Where it stands now."""
        return self.standing.state

    @property
    def changed(self) -> bool:
        """Whether a row wins over the file."""
        return self.standing.revision > 0


@dataclass(frozen=True, slots=True)
class DifferenceReport:
    """One group of differences. Each example has target, pointer, expected, actual and at (seconds since 1970)."""

    route: str
    template: str
    fingerprint: str
    kind: str
    pointer: str
    severity: str
    summary: str
    count: int
    noise: int
    first_seen: datetime
    last_seen: datetime
    examples: Sequence[Mapping[str, object]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A row of a route that the file no longer has. It changes nothing."""

    route: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A process that was seen lately, the revision it decides by, and what it could not store."""

    id: str
    host: str
    pid: int
    started: datetime
    seen: datetime
    revision: int
    lost_requests: int
    lost_differences: int


def status(routes: Sequence[RouteConfig], now: datetime) -> list[RouteStatus]:
    """Every route of the file, in its order."""
    raise NotImplementedError


def differences(route: str) -> list[DifferenceReport]:
    """The stored groups: breaking before warnings, frequent before rare."""
    raise NotImplementedError


def changes(route: str | None = None, limit: int = 50) -> list[Moved]:
    """The latest changes, of one route or all, newest first."""
    raise NotImplementedError


def orphans(routes: Sequence[RouteConfig]) -> list[Orphan]:
    """The rows that no route of the file has."""
    raise NotImplementedError


def workers(now: datetime) -> list[WorkerReport]:
    """The processes that were seen in the last minute."""
    raise NotImplementedError
