"""The last of the five steps: what became of a request is counted and logged."""

from __future__ import annotations

from gateway.dispatch import Outcome
from gateway.observability.counters import Counters
from gateway.observability.logs import log
from gateway.rollout.decision import LEGACY

__all__ = ["observe"]


def observe(outcome: Outcome, counters: Counters) -> None:
    """Count a finished request, if a route claimed it, and log it."""
    plan = outcome.decision.plan
    if plan is not None:
        fell_back = outcome.fell_back is not None
        side = LEGACY if outcome.decision.upstream == LEGACY and not fell_back else "service"
        seconds = None if outcome.facts.method == "WEBSOCKET" else outcome.seconds
        unanswered = outcome.failed is True or (outcome.status == 0 and outcome.failed is not None)
        counters.request(plan.route, side, outcome.status, seconds, failed=unanswered, fell_back=fell_back)
    log(outcome)
