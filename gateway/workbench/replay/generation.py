"""How requests are made that nobody recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.workbench.corpus import Case

__all__ = ["Generated", "Generation"]


@dataclass(frozen=True, slots=True)
class Generation:
    """How many requests are made of each kind for each operation; those of `routes`, of all where there are none; the
    same for the same `seed`."""

    count: int = 10
    seed: int = 0
    routes: tuple[str, ...] = ()


@dataclass(slots=True)
class Generated:
    """What was made: `cases`, and a case for each operation for which none could be made, with the reason."""

    cases: list[Case] = field(default_factory=list)
    left_out: list[tuple[Case, str]] = field(default_factory=list)
