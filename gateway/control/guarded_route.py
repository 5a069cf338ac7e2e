"""One route, and all that the verdict on it depends on."""

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
    """What a route is judged by; None where it is not."""
    return route.guard.guard() if route.guard else None


def began(current_state: CurrentState, started: float) -> float:
    """Since when a route stands where it does; `started` is when the process did."""
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
        """From when on requests count."""
        return self.guard.counts_from(self.now, self.first)

    @property
    def first(self) -> float:
        """Where the first window begins that counts. The one in which a route moved doesn't, since it has requests of
        before; one that was never moved stood there from its process's first request on."""
        return self.since if self.current_state.since else self.since // COUNTER_WINDOW * COUNTER_WINDOW

    def over(self, since: float) -> GuardedRoute:
        """The same, judged by all that happened from `since` on."""
        window = max(round(self.now - since), self.guard.window)
        return replace(self, guard=replace(self.guard, window=window), since=since)

    def judgement(self, seen: RouteStats) -> Judgement:
        """The verdict. Where callers ask only one side, the other is judged by how it answered mirrors."""
        stage = self.current_state.state.stage
        service = seen.service_mirrored if stage == SHADOW else seen.service
        alone = stage in (CANARY, LIVE) and seen.legacy.requests < HANDFUL and not seen.legacy.errors
        legacy = seen.legacy_mirrored if alone and seen.legacy_mirrored.requests else seen.legacy
        weight = self.current_state.state.weight if stage == CANARY else None
        return judge(self.guard, service, legacy, seen.mirrored, shadow=stage == SHADOW, weight=weight)

    def step(self, judgement: Judgement) -> Step:
        """What follows from it. Only a canary with an interval goes on by itself."""
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
