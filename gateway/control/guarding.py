"""Runs the guard and the ramp: judges routes by what all workers stored, and applies the result.

Every worker judges, one changes the route: the others find that the route's revision is no longer the one that they
judged, and do nothing. The time of a route's last change is in its row. A route that was never changed has its state
since this process started, or since it was cleared; so a restart restarts the interval of such a canary.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from gateway.clock import Clock, utc_now
from gateway.config.routes import RouteConfig
from gateway.control.current_state import current_states
from gateway.control.evidence_queries import releases
from gateway.control.guarded_route import GuardedRoute, began, guard_of
from gateway.control.hooks.ramp import RampQuestions, Unanswered, remember
from gateway.control.hooks.watching import tell_of_hold
from gateway.control.statistics import traffic
from gateway.control.transitions import Conflict, RefusedByHooks, Transition, Unproved, promote, rollback
from gateway.rollout.guard import Promote, RollBack, Step
from gateway.rollout.stage import CANARY, LIVE, IllegalMove

__all__ = ["GUARD", "RAMP", "GuardLoop"]

logger = logging.getLogger("gateway.guard")

GUARD, RAMP = "guard", "ramp"  # names in the audit log
OFTEN = 30  # times that a route is judged within its window
SOON = 1.0  # seconds until a route is judged again whose hooks were asked


class GuardLoop:
    """Judges `routes`, in one process."""

    def __init__(self, routes: Mapping[str, RouteConfig], clock: Clock) -> None:
        self._clock = clock
        self._started = clock.time()
        self._guarded = {
            name: (route, guard) for name, route in routes.items() if (guard := guard_of(route)) is not None
        }
        self._due = dict.fromkeys(self._guarded, 0.0)
        self._questions = RampQuestions(clock)

    def look(self) -> list[Transition]:
        """Judge the routes that are due. Returns the transitions that were made here."""
        now = self._clock.time()
        due = [name for name, at in self._due.items() if at <= now or at > now + 3600]  # or the clock was set back
        for name in due:
            self._due[name] = now + self._guarded[name][1].window / OFTEN
        routes = self._guarded_routes(due, now)
        if not routes:
            return []
        counts_from = {guarded.route.name: guarded.counts_from for guarded in routes}
        stats = traffic(counts_from, releases(guarded.route for guarded in routes))
        moves = [self._act(guarded, guarded.step(guarded.judgement(stats[guarded.route.name]))) for guarded in routes]
        return [move for move in moves if move is not None]

    def _guarded_routes(self, names: list[str], now: float) -> list[GuardedRoute]:
        found = current_states([self._guarded[name][0] for name in names]) if names else {}
        return [
            GuardedRoute(*self._guarded[name], current_state, began(current_state, self._started), now)
            for name, current_state in found.items()
            if current_state.state.stage in (CANARY, LIVE)
        ]

    def _act(self, guarded: GuardedRoute, step: Step) -> Transition | None:
        revision = guarded.current_state.revision
        try:
            if isinstance(step, RollBack):
                moved = rollback(guarded.route, who=GUARD, why=str(step.reason), expected=revision)
                logger.warning("%s", moved)
            elif isinstance(step, Promote):
                moved = self._promoted(guarded, step)
                logger.info("%s", moved)
            else:
                return None
        except (Conflict, IllegalMove):  # another worker or an operator was first
            return None
        except Unproved as exc:  # `gateway status` shows what is missing
            self._tell(guarded, exc, "evidence", exc.missing)
            return None
        except RefusedByHooks as exc:
            logger.warning("%s", exc)
            remember(guarded.route.name, revision, exc.refusals, utc_now(self._clock))
            self._tell(guarded, exc, "hook", [str(refusal) for refusal in exc.refusals])
            return None
        except Unanswered:
            if self._questions.pending(guarded.route.name):
                self._due[guarded.route.name] = self._clock.time() + SOON
            return None
        return moved

    def _promoted(self, guarded: GuardedRoute, step: Promote) -> Transition:
        return promote(
            guarded.route,
            who=RAMP,
            why=str(step.reason),
            to=step.stage,
            weight=step.weight,
            expected=guarded.current_state.revision,
            ask=self._questions.ask,
        )

    def _tell(self, guarded: GuardedRoute, held: Unproved | RefusedByHooks, cause: str, reasons: Sequence[str]) -> None:
        seen = guarded.current_state
        now = utc_now(self._clock)
        tell_of_hold(guarded.route, seen.state, seen.revision, held.to, reasons, now, cause)
