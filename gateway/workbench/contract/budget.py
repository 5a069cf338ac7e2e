"""How much is tried."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Budget"]


@dataclass(frozen=True, slots=True)
class Budget:
    """How many values are made for each field beside those that are always tried, and the seed that they are made from:
    the same seed makes the same values."""

    examples: int = 50
    seed: int = 0
