"""The last step of a request: it is counted and logged."""

from __future__ import annotations

from bisect import bisect_left
from logging import INFO

from starlette.types import Scope

from gateway.dispatch.exchange import Exchange
from gateway.observability.access_log import access, log
from gateway.rollout.decision import LEGACY, PROBED
from gateway.stats.counters import Counters
from gateway.stats.histogram import BOUNDS
from gateway.stats.traffic import FEW, NO_VIEW, ROUTE, Traffic
from gateway.types import ERROR

__all__ = ["kind_of", "observe"]


def observe(exchange: Exchange, counters: Counters) -> None:
    """Count a finished request, by its endpoint and by the route that claimed it, and log it."""
    decision = exchange.decision
    if (policy := decision.policy) is not None:
        fell_back = exchange.fell_back
        side = "service" if fell_back is not None or decision.upstream != LEGACY else LEGACY
        seconds = None if exchange.info.method == "WEBSOCKET" else exchange.seconds
        if exchange.excuse is not None:  # not the service's fault: counted separately
            side = exchange.excuse
        status, failed = exchange.response.status, exchange.failed
        unanswered = failed or (failed is False and not status)
        counters.request(
            policy.route,
            side,
            status,
            seconds,
            failed=unanswered,
            fell_back=None if fell_back is None else kind_of(fell_back),
            client=exchange.info.client,
            bucket=decision.bucket,
        )
    if (traffic := counters.traffic) is not None and (scope := exchange.scope) is not None:
        _count_endpoint(exchange, scope, traffic)
    if access.isEnabledFor(INFO) and decision is not PROBED:
        log(exchange)


def kind_of(reason: str) -> str:
    """Why a service failed, without the message of its exception: that is different each time, and may have anything in
    it ("service 'catalog' failed: ValueError")."""
    return ": ".join(reason.split(": ", 2)[:2])


def _count_endpoint(exchange: Exchange, scope: Scope, tallies: Traffic) -> None:
    """Count the endpoint that answered: what Django's resolver matched, or the template of a service. WebSockets, and
    responses without an end, have no latency."""
    response, upstream = exchange.response, exchange.decision.upstream
    if upstream == LEGACY:
        label = scope.get(ROUTE, NO_VIEW)
    else:
        label = exchange.match.template if exchange.match is not None else NO_VIEW
    tally = tallies[upstream, exchange.info.method, label]
    # Inlined, not methods of the tally: this runs for every request.
    tally.requests += 1
    tally.size += response.size
    status = response.status
    if exchange.failed or status >= ERROR or (not status and exchange.failed is not None):
        tally.errors += 1
    if (until := response.until) is not None:
        tally.counts[bisect_left(BOUNDS, until - exchange.since)] += 1
    if (query := scope["query_string"]) and len(tally.queries) < FEW:
        tally.queries.add(query)
