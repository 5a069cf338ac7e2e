"""Events that no operator causes: a breaking difference, a circuit breaker that opens, a ramp that is held."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from gateway.clock import Clock, utc_now
from gateway.config.hooks import Hook
from gateway.config.routes import RouteConfig
from gateway.control.database import alias, missing
from gateway.control.evidence_queries import BLOCKING, OPEN, state_of
from gateway.control.hooks.events import Event, stage_data
from gateway.control.hooks.outbox import mark, marked, tell
from gateway.control.models import DifferenceGroup, RouteDifferences, Worker
from gateway.control.timestamps import NEVER
from gateway.rollout.breaker import CircuitBreaker
from gateway.rollout.stage import State

__all__ = ["BreakerWatch", "tell_of_difference", "tell_of_hold"]

logger = logging.getLogger("gateway.hooks")
QUIET = timedelta(minutes=10)  # in which processes tell once that the breaker of a service has opened


def _tell_once(hooks: Sequence[Hook], event: Event, what: str, before: datetime) -> None:
    """Tell `hooks`, unless that was told after `before`."""
    if not any(event.type in hook.events for hook in hooks):
        return
    what = f"{event.type} {what}"
    try:
        # Each a savepoint if the caller has a transaction, since PostgreSQL ends it where the table is missing.
        with transaction.atomic(using=alias()):
            if marked(what, before):  # almost always, and without a lock
                return
        with transaction.atomic(using=alias()):
            if mark(what, event.at, before):
                tell(hooks, event)
    except DatabaseError as exc:
        if not missing(exc):
            raise
        logger.warning("no hook is told of anything before `manage.py migrate` has run: %s", exc)


def tell_of_difference(
    route: RouteConfig, totals: RouteDifferences, groups: Sequence[DifferenceGroup], now: datetime
) -> None:
    """Tell of the first open breaking difference of a route under its release, and of one that was resolved since
    that was told. `groups` are those that were just seen; their route's `totals` are locked."""
    blocking = [
        group for group in groups if group.severity in BLOCKING and state_of(group, totals, totals.release) == OPEN
    ]
    if not blocking:
        return
    group = max(blocking, key=lambda group: (group.resolved, group.severity == "critical", group.count))
    data = {
        "route": route.name,
        "service": route.service,
        "release": totals.release,
        "template": group.template,
        "kind": group.kind,
        "pointer": group.pointer,
        "severity": group.severity,
        "summary": group.summary,
        "fingerprint": group.fingerprint,
    }
    what = f"{route.name} {totals.release}"
    _tell_once(route.hooks, Event("breaking_difference", data, now), what, group.resolved)


def tell_of_hold(
    route: RouteConfig, state: State, revision: int, to: State, reasons: Sequence[str], now: datetime, cause: str
) -> None:
    """Tell that the ramp is held, once for each `cause` while the route stays where it is."""
    data = {
        "route": route.name,
        "service": route.service,
        "from": stage_data(state),
        "to": stage_data(to),
        "reasons": reasons,
    }
    _tell_once(route.hooks, Event("hold", data, now), f"{route.name} {revision} {state} {cause}", NEVER)


class BreakerWatch:
    """Notices when a circuit breaker of this process opens. `worker` is its row."""

    def __init__(
        self,
        routes: Mapping[str, RouteConfig],
        breakers: Mapping[str, CircuitBreaker],
        worker: Worker,
        clock: Clock,
    ) -> None:
        self._routes = routes
        self._breakers = breakers
        self._worker = worker
        self._clock = clock
        self._open: set[str] = set()

    def look(self) -> None:
        """Tell of breakers that have opened since the last time."""
        causes = {name: breaker.cause for name, breaker in self._breakers.items()}
        self._open -= {name for name, cause in causes.items() if cause is None}
        for name, cause in causes.items():
            if cause is not None and name not in self._open:
                self._tell(name, cause)
                self._open.add(name)

    def _tell(self, service: str, cause: str) -> None:
        routes = [route for route in self._routes.values() if route.service == service]
        hooks = {hook.name: hook for route in routes for hook in route.hooks}
        data = {
            "service": service,
            "routes": [route.name for route in routes],
            "reason": cause,
            "host": self._worker.host,
            "pid": self._worker.pid,
        }
        now = utc_now(self._clock)
        _tell_once([*hooks.values()], Event("breaker_open", data, now), service, now - QUIET)
