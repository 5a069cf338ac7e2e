"""The possible next steps of a route, in words: after a transition, and in `gateway status`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.rollout.stage import CANARY, LEGACY_STAGE, LIVE, SHADOW, IllegalMove, State, promoted

if TYPE_CHECKING:
    from gateway.config.routes import RouteConfig

__all__ = ["above", "climbs", "next_move", "next_moves"]


def above(state: State, route: RouteConfig) -> State | None:
    """The state to which `gateway promote` would lead; None from the last stage."""
    try:
        return promoted(state, route.steps)
    except IllegalMove:
        return None


def climbs(route: RouteConfig) -> bool:
    """Whether it is promoted automatically through the steps of its canary while it is healthy."""
    return route.interval is not None and route.guard is not False


def next_move(state: State, route: RouteConfig) -> str:
    """The command that promotes the route, and the state to which it leads."""
    name, up = route.name, above(state, route)
    if up is None:
        return f"`gateway check` says which views can be deleted; back only by `gateway rollback {name} --force`"
    if state.stage == LEGACY_STAGE and route.mirrors_nothing:
        to = replace(above(State(SHADOW), route) or up, paused=False)
        return f"`gateway promote {name} --to canary --anyway --why '…'` goes to {to} (nothing of it is compared)"
    return f"`gateway promote {name}` goes to {replace(up, paused=False)}"


def next_moves(state: State, route: RouteConfig) -> str:
    """All possible next steps, as a sentence."""
    name, forward = route.name, next_move(state, route)
    if state.stage == CANARY and climbs(route):
        if state.paused:
            forward = f"`gateway resume {name}` lets it go on by itself; {forward}"
        else:
            forward = f"after {route.interval:g} s, while it is healthy, it goes to {above(state, route)} by itself"
    return f"Next: {forward}{_more(state, route)}."


def _more(state: State, route: RouteConfig) -> str:
    back = f"`gateway rollback {route.name}` goes back at once"
    if state.stage == SHADOW:
        if route.mirrors_nothing:
            return "; nothing of it is compared at shadow"
        return f"; see `gateway diffs {route.name}` first"
    if state.stage == CANARY:
        return f"; {back}"
    if state.stage == LIVE:
        return f", from which there is no way back without --force; {back}"
    return ""
