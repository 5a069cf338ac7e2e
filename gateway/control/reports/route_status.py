"""The status of a route: its state, its traffic, and its next automatic step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.config.guard import Guard
from gateway.config.hooks import BEFORE
from gateway.config.routes import RouteConfig
from gateway.control.current_state import CurrentState, current_states
from gateway.control.evidence_queries import compared, needed, releases, started
from gateway.control.guarded_route import GuardedRoute, began, guard_of
from gateway.control.hooks.ramp import refusal
from gateway.control.models import Worker
from gateway.control.reports.differences import DifferenceCounts, difference_counts
from gateway.control.reports.traffic import TrafficStats, traffic_stats
from gateway.control.statistics import RouteStats, traffic
from gateway.rollout.evidence import too_few
from gateway.rollout.guard import Judgement, Promote, RollBack
from gateway.rollout.policy import declared_state
from gateway.rollout.stage import CANARY, LIVE, SHADOW, State
from gateway.wording import Message, message, plural_message

__all__ = ["RouteStatus", "status"]

HOUR = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """The status of one route. `current_state` has `revision` 0 unless the state was changed at run time.

    `window` is the traffic that the guard judges, `hour` that of the last hour, `lately` that of the last hour since
    the route's last change; `verdict` is None if nothing is judged: at legacy and retired, and without a guard. `next`
    describes the next automatic step, and when it is due; `lacking` says, in a canary, that too few responses were
    compared.
    """

    route: str
    service: str
    declared: State
    current_state: CurrentState
    window: TrafficStats
    hour: TrafficStats
    differences: DifferenceCounts
    verdict: Judgement | None
    next: str
    lately: TrafficStats
    lacking: str | None = None

    @property
    def effective(self) -> State:
        """The current state."""
        return self.current_state.state

    @property
    def changed(self) -> bool:
        """Whether a row overrides the file."""
        return self.current_state.revision > 0


def status(
    routes: Sequence[RouteConfig], now: datetime, *, rows: Sequence[Worker] | None = None, window_only: bool = False
) -> list[RouteStatus]:
    """The status of every route of the file, in its order. `now` is an aware datetime.

    `rows` are those of all processes, if they were read before. `window_only`: `hour` and `lately` are the guard's
    window too, which is much less to read where there are many routes.
    """
    at = now.timestamp()
    first = started(now, at, rows)
    found = current_states(routes)
    guarded_routes = [
        GuardedRoute(route, guard_of(route) or Guard(), found[route.name], began(found[route.name], first), at)
        for route in routes
    ]
    present = releases(routes, rows)
    window = traffic({guarded.route.name: guarded.counts_from for guarded in guarded_routes}, present)
    if window_only:
        hour = lately = window
    else:
        hour = traffic({route.name: at - HOUR for route in routes})
        moved = {
            guarded.route.name: _counts_from(guarded) for guarded in guarded_routes if _counts_from(guarded) > at - HOUR
        }
        lately = hour | traffic(moved, present) if moved else hour
    groups = difference_counts(routes, present)
    seen = compared(routes, at, present)
    return [
        _status(guarded, window[name], hour[name], lately[name], groups[name], seen[name])
        for guarded in guarded_routes
        for name in (guarded.route.name,)
    ]


def _counts_from(guarded: GuardedRoute) -> float:
    """The time from which requests of the last hour count for the current state."""
    if not guarded.current_state.revision:
        return guarded.now - HOUR
    return replace(guarded.guard, window=HOUR).counts_from(guarded.now, guarded.since)


def _status(
    guarded: GuardedRoute,
    window: RouteStats,
    hour: RouteStats,
    lately: RouteStats,
    groups: DifferenceCounts,
    compared: int,
) -> RouteStatus:
    verdict = None
    if guarded.route.guard and guarded.current_state.state.stage in (SHADOW, CANARY, LIVE):
        verdict = guarded.judgement(window)
    lacking = None
    if guarded.current_state.state.stage == CANARY:
        lacking = too_few(compared, needed(guarded.route), mirrored=guarded.route.mirror.canary > 0)
    judged = traffic_stats(guarded.now - guarded.counts_from, window)
    return RouteStatus(
        route=guarded.route.name,
        service=guarded.route.service,
        declared=declared_state(guarded.route),
        current_state=guarded.current_state,
        window=judged,
        hour=judged if hour is window else traffic_stats(HOUR, hour),
        differences=groups,
        verdict=verdict,
        next=_next(guarded, verdict, groups.breaking, lacking),
        lately=judged if lately is window else traffic_stats(guarded.now - _counts_from(guarded), lately),
        lacking=lacking,
    )


def _next(guarded: GuardedRoute, verdict: Judgement | None, breaking: int, lacking: str | None) -> Message:
    """The next automatic step, in words."""
    if guarded.current_state.state.stage not in (CANARY, LIVE):
        return message("stays until it is moved")
    if verdict is None:
        return message("stays until it is moved: guard = false, so nothing is judged")
    step = guarded.step(verdict)
    if isinstance(step, RollBack):
        return message("is about to be rolled back: {reason}", reason=step.reason)
    if isinstance(step, Promote):
        if held := _held(guarded, breaking, lacking):
            return message("is held: {why}", why=held)
        return message("is about to go to {state}: {reason}", state=_state(step.weight), reason=step.reason)
    if guarded.current_state.state.stage == LIVE or guarded.route.interval is None:
        return message("stays until it is moved, or rolled back by the guard")
    further = next((weight for weight in guarded.route.steps if weight > guarded.current_state.state.weight), None)
    return message("waits to go to {state}: {reason}", state=_state(further), reason=step.reason)


def _held(guarded: GuardedRoute, breaking: int, lacking: str | None) -> str:
    """Why its ramp is held, in words; "" if it isn't."""
    if breaking:
        return plural_message("{count} breaking difference is open", "{count} breaking differences are open", breaking)
    return lacking or _refused(guarded)


def _refused(guarded: GuardedRoute) -> str:
    """Why hooks hold its ramp, in words; "" if they don't."""
    if not any(BEFORE in hook.events for hook in guarded.route.hooks):
        return ""
    return refusal(guarded.route.name, guarded.current_state.revision, datetime.fromtimestamp(guarded.now, UTC))


def _state(weight: float | None) -> str:
    """Canary at a weight, or live, in words."""
    return (State(LIVE) if weight is None else State(CANARY, weight)).message
