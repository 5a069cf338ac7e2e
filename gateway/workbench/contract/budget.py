"""The number of values to try."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TrialBudget"]


@dataclass(frozen=True, slots=True)
class TrialBudget:
    """The number of values that are generated for each field besides those that are always tried, and the seed: the
    same seed gives the same values."""

    examples: int = 50
    seed: int = 0
