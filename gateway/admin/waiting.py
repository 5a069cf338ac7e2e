"""What operators have to do: routes that are ready for their next step, or held, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext, ngettext

from gateway.config.routes import RouteConfig
from gateway.control.reports import RouteStatus
from gateway.control.templatetags.gateway_admin import translated
from gateway.rollout.guard import Verdict
from gateway.rollout.stage import CANARY, LIVE, RETIRED, SHADOW
from gateway.wording import joined

__all__ = ["WaitingRoute", "waiting"]

LONG = timedelta(days=7)  # live for so long without an objection: nobody goes back any more


@dataclass(frozen=True, slots=True)
class WaitingRoute:
    """A route, and what it waits for. `kind` is "ready", "held" or "cleanup"."""

    route: str
    kind: str
    text: str


def waiting(found: Sequence[RouteStatus], routes: Sequence[RouteConfig], now: datetime) -> list[WaitingRoute]:
    """What waits, the held ones first."""
    pairs = zip(found, routes, strict=True)
    all_of_it = [one for status, route in pairs for one in _of(status, route, now)]
    order = ("held", "ready", "cleanup")
    return sorted(all_of_it, key=lambda one: order.index(one.kind))


def _of(status: RouteStatus, route: RouteConfig, now: datetime) -> Iterator[WaitingRoute]:
    stage, verdict = status.effective.stage, status.verdict
    if stage in (SHADOW, CANARY, LIVE) and (held := _held(status)):
        yield WaitingRoute(status.route, "held", held)
    elif stage in (SHADOW, CANARY) and verdict is not None and verdict.verdict is Verdict.HEALTHY:
        if status.lacking is None and not _climbs(status, route):
            yield WaitingRoute(status.route, "ready", gettext("ready to promote"))
    elif stage == LIVE and verdict is not None and verdict.verdict is not Verdict.FAILING:
        since = status.current_state.since
        if since is not None and now - since >= LONG:
            days = (now - since).days
            text = ngettext(
                "live for %(days)d day: ready to be retired", "live for %(days)d days: ready to be retired", days
            )
            yield WaitingRoute(status.route, "cleanup", text % {"days": days})
    elif stage == RETIRED:
        yield WaitingRoute(status.route, "cleanup", gettext("ready to be cleaned up"))


def _held(status: RouteStatus) -> str | None:
    """Why the route can't go on; None if nothing holds it."""
    breaking = status.differences.breaking
    if breaking and status.effective.stage != LIVE:
        return ngettext("held: %(count)d breaking", "held: %(count)d breaking", breaking) % {"count": breaking}
    if status.verdict is not None and status.verdict.verdict is Verdict.FAILING:
        return gettext("failing: %(why)s") % {"why": translated(joined(status.verdict.reasons))}
    return None


def _climbs(status: RouteStatus, route: RouteConfig) -> bool:
    """Whether the ramp takes the next step by itself."""
    automatic = route.interval is not None and bool(route.guard)
    return status.effective.stage == CANARY and automatic and not status.effective.paused
