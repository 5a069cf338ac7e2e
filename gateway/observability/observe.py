"""The last of the five steps: what became of a request is counted and logged."""

from __future__ import annotations

from logging import INFO

from gateway.dispatch import Outcome
from gateway.observability.counters import Counters
from gateway.observability.logs import access, log
from gateway.rollout.decision import LEGACY

__all__ = ["observe"]


def observe(outcome: Outcome, counters: Counters) -> None:
    """Count a finished request, if a route claimed it, and log it."""
    decision = outcome.decision
    if (plan := decision.plan) is not None:
        fell_back = outcome.fell_back is not None
        side = "service" if fell_back or decision.upstream != LEGACY else LEGACY
        seconds = None if outcome.facts.method == "WEBSOCKET" else outcome.seconds
        status, failed = outcome.status, outcome.failed
        unanswered = failed or (failed is False and not status)
        counters.request(plan.route, side, status, seconds, failed=unanswered, fell_back=fell_back)
    if access.isEnabledFor(INFO):
        log(outcome)
