"""The verbs on a route's rollout: what the command line, the admin and the guard call.

A move reads where the route stands, asks `rollout.stage` where it would stand then, and writes that only if nobody
moved the route in between: compare and set, in one transaction with the new revision and the audit row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.config import RouteConfig
from gateway.rollout.stage import State

__all__ = ["Conflict", "Moved", "clear", "pause", "promote", "resume", "rollback", "Standing", "standing"]


class Conflict(Exception):
    """Somebody else moved the route first. The message names who, what they did and when; `first` is that change,
    None where it is not known."""

    def __init__(self, message: str, first: Moved | None) -> None:
        super().__init__(message)
        self.first = first


@dataclass(frozen=True, slots=True)
class Moved:
    """One change of a route, as the audit log has it."""

    route: str
    verb: str
    before: State
    after: State
    who: str
    why: str
    at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a route stands. `revision` is 0, and `since` None, while that is where the file says."""

    state: State
    revision: int = 0
    since: datetime | None = None
    who: str = ""
    why: str = ""


def standing(route: RouteConfig) -> Standing:
    """Where `route` stands now; operators hand the revision back as `expected`."""
    raise NotImplementedError


def promote(
    route: RouteConfig,
    *,
    who: str,
    why: str = "",
    weight: float | None = None,
    to: str | None = None,
    expected: int | None = None,
) -> Moved:
    """One step up: see `rollout.stage.promoted`.

    `expected` is the revision at which the caller saw the route (0: where the file has it); None is the one that is
    found now. Raises IllegalMove; Conflict when somebody moved the route since; Busy.
    """
    raise NotImplementedError


def rollback(
    route: RouteConfig,
    *,
    who: str,
    why: str = "",
    to: str = "legacy",
    weight: float | None = None,
    force: bool = False,
    expected: int | None = None,
) -> Moved:
    """Down at once: see `rollout.stage.rolled_back`.

    This is for emergencies: without `expected` it never conflicts, but takes the route from wherever others have
    moved it. Raises IllegalMove, Busy, and with `expected` Conflict.
    """
    raise NotImplementedError


def pause(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Moved:
    """Hold the automatic ramp. Raises as `promote`."""
    raise NotImplementedError


def resume(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Moved:
    """Let the automatic ramp go on. Raises as `promote`."""
    raise NotImplementedError


def clear(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Moved:
    """Back to where the file says. Raises as `promote`; IllegalMove when nothing was changed at run time."""
    raise NotImplementedError
