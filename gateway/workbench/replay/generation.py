"""How requests are made that nobody recorded."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Generation"]


@dataclass(frozen=True, slots=True)
class Generation:
    """How many requests are made of each kind for each operation; those of `routes`, of all where there are none; the
    same for the same `seed`."""

    count: int = 10
    seed: int = 0
    routes: tuple[str, ...] = ()
