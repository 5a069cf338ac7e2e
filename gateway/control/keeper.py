"""The guard and the ramp at work: judges routes by what all workers stored, and moves them.

Every worker judges, one moves: the others find that the route is no longer at the revision they judged, and say
nothing. Since when a route stands is in its row. A route that was never moved stands where the file says since this
process started, or since it was cleared; so a restart makes the interval of such a canary begin again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.config import RouteConfig
from gateway.control.moves import Conflict, Moved, Standing, promote, rollback, standings
from gateway.control.traffic import Seen, traffic
from gateway.rollout.guard import Guard, Judgement, Promote, RollBack, Step, judge, next_step
from gateway.rollout.stage import CANARY, LIVE, SHADOW, IllegalMove

__all__ = ["GUARD", "RAMP", "Case", "Keeper", "began", "guard_of"]

logger = logging.getLogger("gateway.guard")

GUARD, RAMP = "guard", "ramp"  # who, in the audit log
OFTEN = 30  # times in its window a route is judged


def guard_of(route: RouteConfig) -> Guard | None:
    """What a route is judged by; None where it is not."""
    return route.guard.guard() if route.guard else None


def began(standing: Standing, started: float) -> float:
    """Since when a route stands where it does; `started` is when the process did."""
    return max(standing.since.timestamp(), 0 if standing.revision else started) if standing.since else started


@dataclass(frozen=True, slots=True)
class Case:
    """One route, and all that the verdict on it depends on. `since` and `now` are seconds since 1970."""

    route: RouteConfig
    guard: Guard
    standing: Standing
    since: float
    now: float

    @property
    def counts_from(self) -> float:
        """From when on requests count."""
        return self.guard.counts_from(self.now, self.since)

    def judgement(self, seen: Seen) -> Judgement:
        """The verdict. Where callers ask only one side, the other is judged by how it answered mirrors."""
        stage = self.standing.state.stage
        service = seen.service_mirrored if stage == SHADOW else seen.service
        legacy = seen.legacy_mirrored if stage == LIVE and not seen.legacy.requests else seen.legacy
        return judge(self.guard, service, legacy, seen.mirrored, shadow=stage == SHADOW)

    def step(self, judgement: Judgement) -> Step:
        """What follows from it. Only a canary with an interval goes on by itself."""
        state, interval = self.standing.state, self.route.interval
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


class Keeper:
    """Judges `routes` for one process."""

    def __init__(self, routes: Mapping[str, RouteConfig], clock: Clock) -> None:
        self._clock = clock
        self._started = clock.time()
        self._guarded = {
            name: (route, guard) for name, route in routes.items() if (guard := guard_of(route)) is not None
        }
        self._due = dict.fromkeys(self._guarded, 0.0)

    def look(self) -> list[Moved]:
        """Judge the routes whose turn it is. Returns the moves that were made here."""
        now = self._clock.time()
        due = [name for name, at in self._due.items() if at <= now or at > now + 3600]  # or the clock was put back
        for name in due:
            self._due[name] = now + self._guarded[name][1].window / OFTEN
        cases = self._cases(due, now)
        seen = traffic({case.route.name: case.counts_from for case in cases})
        moves = [self._act(case, case.step(case.judgement(seen[case.route.name]))) for case in cases]
        return [move for move in moves if move is not None]

    def _cases(self, names: list[str], now: float) -> list[Case]:
        found = standings([self._guarded[name][0] for name in names]) if names else {}
        return [
            Case(*self._guarded[name], standing, began(standing, self._started), now)
            for name, standing in found.items()
            if standing.state.stage in (CANARY, LIVE)
        ]

    def _act(self, case: Case, step: Step) -> Moved | None:
        revision = case.standing.revision
        try:
            if isinstance(step, RollBack):
                moved = rollback(case.route, who=GUARD, why=step.reason, expected=revision)
                logger.warning("%s", moved)
            elif isinstance(step, Promote):
                moved = promote(
                    case.route, who=RAMP, why=step.reason, to=step.stage, weight=step.weight, expected=revision
                )
                logger.info("%s", moved)
            else:
                return None
        except (Conflict, IllegalMove):  # another worker or an operator was first
            return None
        return moved
