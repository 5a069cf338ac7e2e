"""Parameters and result of generating requests."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.workbench.corpus import Case

__all__ = ["Generated", "Generation"]


@dataclass(frozen=True, slots=True)
class Generation:
    """How to generate requests: `count` of each kind for each operation, for `routes` only, or for all if empty. The
    same `seed` generates the same requests."""

    count: int = 10
    seed: int = 0
    routes: tuple[str, ...] = ()


@dataclass(slots=True)
class Generated:
    """Generated `cases`, and for each operation without any a case with the reason."""

    cases: list[Case] = field(default_factory=list)
    left_out: list[tuple[Case, str]] = field(default_factory=list)
