"""The number of values to try."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Budget"]


@dataclass(frozen=True, slots=True)
class Budget:
    """The number of values that are generated for each field besides those that are always tried, and the seed: the
    same seed gives the same values."""

    examples: int = 50
    seed: int = 0
