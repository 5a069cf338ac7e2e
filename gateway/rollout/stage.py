"""The stages of a route, and how operators move it between them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.wording import message

__all__ = [
    "CANARY",
    "LEGACY_STAGE",
    "LIVE",
    "RETIRED",
    "SHADOW",
    "STAGES",
    "IllegalMove",
    "State",
    "paused",
    "promoted",
    "resumed",
    "rolled_back",
]

STAGES = LEGACY_STAGE, SHADOW, CANARY, LIVE, RETIRED = ("legacy", "shadow", "canary", "live", "retired")


class IllegalMove(ValueError):
    """A transition that isn't possible from the route's state. The message says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class State:
    """A route's stage; in `canary`, the percentage of buckets that the service answers, otherwise 0.

    `paused`: the automatic ramp is stopped.
    """

    stage: str
    weight: float = 0.0
    paused: bool = False

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise ValueError(f"stage {self.stage!r}: one of {', '.join(STAGES)}")
        if not 0 <= self.weight <= 100 or (self.weight and self.stage != CANARY):
            raise ValueError(f"weight {self.weight:g} at stage {self.stage}: 0 to 100, and only in canary")

    @property
    def message(self) -> str:
        """It, in words; stages have the same names in every language."""
        state: str = self.stage
        if self.stage == CANARY:
            state = message("{stage} at {weight:g} %", stage=self.stage, weight=self.weight)
        return message("{state}, paused", state=state) if self.paused else state

    def __str__(self) -> str:
        return str(self.message)

    @property
    def height(self) -> tuple[int, float]:
        """How far the route has come; larger is closer to the last stage."""
        return STAGES.index(self.stage), self.weight


def promoted(state: State, steps: Sequence[float], *, weight: float | None = None, to: str | None = None) -> State:
    """`state` moved up by one stage, or in canary by one of `steps`; after the last step, live.

    `weight` is the canary's weight instead of the next step; `to` a later stage. Raises IllegalMove.
    """
    stage = to or _next_stage(state, steps, weight)
    if stage not in STAGES:
        raise IllegalMove(f"there is no stage {stage!r}; it is one of {', '.join(STAGES)}")
    if weight is not None and stage != CANARY:
        raise IllegalMove(f"a weight goes with canary; from {state}, promote goes to {stage}")
    if stage == CANARY:
        moved = State(CANARY, _next_weight(state, steps) if weight is None else _valid(weight), state.paused)
    else:
        moved = State(stage, paused=state.paused and stage != RETIRED)
    if moved.height <= state.height:
        raise IllegalMove(f"the route is at {state} already; rollback goes down, to {moved}")
    return moved


def _next_stage(state: State, steps: Sequence[float], weight: float | None) -> str:
    if state.stage == RETIRED:
        raise IllegalMove("the route is retired: there is no stage above")
    if state.stage == CANARY and (weight is not None or any(step > state.weight for step in steps)):
        return CANARY
    return STAGES[STAGES.index(state.stage) + 1]


def _next_weight(state: State, steps: Sequence[float]) -> float:
    current = state.weight if state.stage == CANARY else 0.0
    return next((step for step in steps if step > current), 100.0)


def _valid(weight: float) -> float:
    if not 0 < weight <= 100:
        raise IllegalMove(f"weight {weight:g}: more than 0, at most 100")
    return weight


def rolled_back(state: State, *, to: str = LEGACY_STAGE, weight: float | None = None, force: bool = False) -> State:
    """`state` moved down to legacy, or to a stage in between. `weight` is for `to="canary"`.

    A retired route goes back only with `force`, since its legacy view may have been deleted. Raises IllegalMove.
    """
    if to not in STAGES:
        raise IllegalMove(f"there is no stage {to!r}; it is one of {', '.join(STAGES)}")
    if state.stage == RETIRED and not force:
        raise IllegalMove("the route is retired, and its legacy view may be gone; --force rolls back all the same")
    if (weight is not None) != (to == CANARY):
        raise IllegalMove("rolling back to canary takes a weight, and no other stage does")
    moved = State(to, 0.0 if weight is None else weight)
    if moved.height >= state.height:
        raise IllegalMove(f"the route is at {state}: rollback goes down, and {moved} isn't lower")
    return moved


def paused(state: State) -> State:
    """`state` with its automatic ramp stopped. Raises IllegalMove if it is paused already, or retired."""
    if state.stage == RETIRED:
        raise IllegalMove("the route is retired: nothing goes on by itself")
    if state.paused:
        raise IllegalMove("the route is paused already")
    return replace(state, paused=True)


def resumed(state: State) -> State:
    """`state` with its automatic ramp running. Raises IllegalMove if it isn't paused."""
    if not state.paused:
        raise IllegalMove("the route is not paused")
    return replace(state, paused=False)
