"""One route, and everything that its verdict depends on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.config.guard import Guard
from gateway.config.routes import RouteConfig
from gateway.control.current_state import CurrentState
from gateway.control.statistics import RouteStats
from gateway.rollout.guard import HANDFUL, Judgement, Step, judge, next_step
from gateway.rollout.stage import CANARY, LIVE, SHADOW
from gateway.stats.tally import COUNTER_WINDOW

__all__ = ["GuardedRoute", "began", "guard_of"]


def guard_of(route: RouteConfig) -> Guard | None:
    """The guard of a route; None if it has none."""
    return route.guard.guard() if route.guard else None


def began(current_state: CurrentState, started: float) -> float:
    """The time since which a route has its state; `started` is when the process started."""
    if current_state.since is None:
        return started
    return max(current_state.since.timestamp(), 0 if current_state.revision else started)


@dataclass(frozen=True, slots=True)
class GuardedRoute:
    """A route with its guard and its current state. `since` and `now` are seconds since 1970."""

    route: RouteConfig
    guard: Guard
    current_state: CurrentState
    since: float
    now: float

    @property
    def counts_from(self) -> float:
        """The time from which requests count."""
        return self.guard.counts_from(self.now, self.first)

    @property
    def first(self) -> float:
        """The start of the first counter window that counts. The one in which the route was changed doesn't, since it
        has earlier requests; for a route that was never changed, the one in which the process started does."""
        return self.since if self.current_state.since else self.since // COUNTER_WINDOW * COUNTER_WINDOW

    def over(self, since: float) -> GuardedRoute:
        """The same, judged by everything from `since` on."""
        window = max(round(self.now - since), self.guard.window)
        return replace(self, guard=replace(self.guard, window=window), since=since)

    def judgement(self, seen: RouteStats) -> Judgement:
        """The verdict. If callers reach only one side, the other one is judged by its mirrors."""
        stage = self.current_state.state.stage
        service = seen.service_mirrored if stage == SHADOW else seen.service
        alone = stage in (CANARY, LIVE) and seen.legacy.requests < HANDFUL and not seen.legacy.errors
        legacy = seen.legacy_mirrored if alone and seen.legacy_mirrored.requests else seen.legacy
        weight = self.current_state.state.weight if stage == CANARY else None
        return judge(self.guard, service, legacy, seen.mirrored, shadow=stage == SHADOW, weight=weight)

    def step(self, judgement: Judgement) -> Step:
        """The next step. Only a canary with an interval is promoted automatically."""
        state, interval = self.current_state.state, self.route.interval
        return next_step(
            judgement,
            stage=state.stage,
            weight=state.weight,
            steps=self.route.steps if interval is not None else (),
            interval=interval or 0.0,
            since=self.since,
            now=self.now,
            paused=state.paused,
        )
