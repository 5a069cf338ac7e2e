"""The current states of routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from gateway.config.routes import RouteConfig
from gateway.control.database import alias
from gateway.control.models import Change, RouteState
from gateway.rollout.policy import declared_state
from gateway.rollout.stage import State

__all__ = ["CurrentState", "current_state", "current_states", "state_of_row"]


@dataclass(frozen=True, slots=True)
class CurrentState:
    """The state of a route, since when, and who changed it and why.

    While it is the state in the file, `revision` is 0, and `since` is when it was cleared, None if it never was.
    """

    state: State
    revision: int = 0
    since: datetime | None = None
    who: str = ""
    why: str = ""


def current_state(route: RouteConfig) -> CurrentState:
    """The current state of `route`; operators pass its revision as `expected`."""
    return current_states([route])[route.name]


def current_states(routes: Sequence[RouteConfig]) -> dict[str, CurrentState]:
    """The current state of each of `routes`."""
    names = [route.name for route in routes]
    rows = {row.route: row for row in RouteState.objects.using(alias()).filter(route__in=names)}
    cleared = dict(
        Change.objects.using(alias())
        .filter(route__in=set(names) - rows.keys(), verb="clear")
        .order_by()
        .values_list("route")
        .annotate(latest=Max("at"))
    )
    return {
        route.name: state_of_row(rows[route.name])
        if route.name in rows
        else CurrentState(declared_state(route), since=cleared.get(route.name))
        for route in routes
    }


def state_of_row(row: RouteState) -> CurrentState:
    """The state in a row. Raises ValueError when stage and weight don't match, which transitions never write."""
    return CurrentState(State(row.stage, row.weight, row.paused), row.revision, row.since, row.who, row.why)
