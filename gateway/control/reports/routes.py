"""Changes of routes, and rows of routes that the file no longer has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.config.routes import RouteConfig
from gateway.control.current_state import CurrentState, state_of_row
from gateway.control.database import alias
from gateway.control.models import Change, RouteState
from gateway.control.transitions import Transition, moved

__all__ = ["OrphanedRoute", "changes", "orphans"]


@dataclass(frozen=True, slots=True)
class OrphanedRoute:
    """A row of a route that the file no longer has. It has no effect."""

    route: str
    current_state: CurrentState


def changes(route: str | None = None, limit: int = 50) -> list[Transition]:
    """The latest changes, of one route or all, newest first."""
    rows = Change.objects.using(alias()).order_by("-revision")
    return [moved(row) for row in (rows.filter(route=route) if route is not None else rows)[:limit]]


def orphans(routes: Sequence[RouteConfig]) -> list[OrphanedRoute]:
    """The rows without a route in the file."""
    rows = RouteState.objects.using(alias()).exclude(route__in=[route.name for route in routes]).order_by("route")
    return [OrphanedRoute(row.route, state_of_row(row)) for row in rows]
