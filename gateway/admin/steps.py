"""The stages and weights that a route can be moved to, and how many callers the service then answers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext

from gateway.config.routes import RouteConfig
from gateway.control.reports import RouteMetrics
from gateway.rollout.stage import CANARY, LEGACY_STAGE, LIVE, RETIRED, SHADOW, STAGES, IllegalMove, State, promoted

__all__ = ["Step", "effect", "steps_down", "steps_up", "target"]

WEIGHT = re.compile(r"\d{1,3}(\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Step:
    """A state that the route can be moved to. `value` is what the form sends, `next`: it is the usual next one."""

    value: str
    state: State
    effect: str
    next: bool = False


def steps_up(route: RouteConfig, state: State, metrics: RouteMetrics) -> tuple[Step, ...]:
    """Where the route can be promoted to; the next step first."""
    try:
        usual = promoted(state, route.steps)
    except IllegalMove:
        return ()
    found = [State(stage) for stage in (SHADOW, LIVE, RETIRED)] + [State(CANARY, weight) for weight in route.steps]
    higher = sorted((one for one in found if one.height > state.height), key=lambda one: one.height)
    return tuple(_step(one, metrics, usual=(one.stage, one.weight) == (usual.stage, usual.weight)) for one in higher)


def steps_down(route: RouteConfig, state: State, metrics: RouteMetrics) -> tuple[Step, ...]:
    """Where the route can be rolled back to, legacy first."""
    found = [State(LEGACY_STAGE), State(SHADOW), *(State(CANARY, weight) for weight in route.steps)]
    return tuple(_step(one, metrics) for one in found if one.height < state.height)


def _step(state: State, metrics: RouteMetrics, *, usual: bool = False) -> Step:
    value = f"{state.stage}:{state.weight:g}" if state.stage == CANARY else state.stage
    return Step(value, state, effect(state, metrics), usual)


def target(value: str) -> tuple[str, float | None]:
    """The stage and the weight in a form's value. Raises ValueError for anything else."""
    stage, _, weight = value.partition(":")
    if stage not in STAGES or not (WEIGHT.fullmatch(weight) if stage == CANARY else weight == ""):
        raise ValueError(gettext("there is no such step: %(value)s") % {"value": value})
    return stage, float(weight) if weight else None


def effect(state: State, metrics: RouteMetrics) -> str:
    """What a state means for callers, in words."""
    if state.stage == LEGACY_STAGE:
        return gettext("legacy answers everybody")
    if state.stage == SHADOW:
        return gettext("legacy answers everybody, the service is compared")
    if state.stage in (LIVE, RETIRED):
        return gettext("the service answers everybody")
    return gettext("the service answers %(some)s") % {"some": _some(state.weight, metrics)}


def _some(weight: float, metrics: RouteMetrics) -> str:
    if metrics.callers:
        numbers = {"some": _number(metrics.callers * weight / 100), "all": _number(metrics.callers)}
        return gettext("about %(some)s of %(all)s callers an hour") % numbers
    if metrics.requests:
        numbers = {"some": _number(metrics.requests * weight / 100), "all": _number(metrics.requests)}
        return gettext("about %(some)s of %(all)s requests an hour") % numbers
    return gettext("%(weight)s %% of the callers") % {"weight": f"{weight:g}"}


def _number(value: float) -> str:
    return str(number_format(round(value), force_grouping=True))
