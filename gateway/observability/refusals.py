"""Requests that are refused before any upstream is called: counted and, at intervals, logged."""

from __future__ import annotations

import logging

from gateway.clock import Clock
from gateway.rollout.decision import Unavailable
from gateway.routing.request import BadRequest, RequestInfo
from gateway.stats.counters import Counters
from gateway.stats.throttled_warnings import ThrottledWarnings

__all__ = ["Refusals"]

logger = logging.getLogger("gateway")


class Refusals:
    """Counts refused requests in `counters`."""

    def __init__(self, counters: Counters, clock: Clock) -> None:
        self._counters = counters
        self._throttled = ThrottledWarnings(logger, clock)

    def note(self, reason: BadRequest | Unavailable, info: RequestInfo) -> None:
        """Count a request that was refused for `reason`."""
        status = getattr(reason, "status", 400)
        self._counters.refuse(status)
        key = reason.policy.route if isinstance(reason, Unavailable) else str(reason)[:40]
        self._throttled.warn(f"{status} {key}", "%s is refused with %d: %s", info, status, reason)
