"""What a row found: two sides, their ratio, and whether it reaches the goal."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.measure import Sample

DISTURBED = 0.1


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row is held to: the ratio from below or above, and perhaps our own value from above."""

    at_least: float | None = None
    at_most: float | None = None
    value_below: float | None = None

    def reached(self, ratio: float, value: float) -> bool:
        """Tell whether a ratio, and our own value in the row's unit, are good enough."""
        return (
            (self.at_least is None or ratio >= self.at_least)
            and (self.at_most is None or ratio <= self.at_most)
            and (self.value_below is None or value < self.value_below)
        )


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: its value per round, in the row's unit, and the samples behind them."""

    title: str
    values: tuple[float, ...]
    samples: tuple[Sample, ...] = ()
    whole: float | None = None  # over all rounds at once, for what needs more requests than a round has

    @property
    def value(self) -> float:
        """That over all rounds at once, or else the median over the rounds."""
        return statistics.median(self.values) if self.whole is None else self.whole

    @property
    def cpu_per_1000(self) -> float | None:
        """The median CPU seconds per 1,000 requests, or None where it was not measured."""
        spent = [sample.cpu_per_1000 for sample in self.samples if sample.cpu_per_1000 is not None]
        return statistics.median(spent) if spent else None


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table. Without sides it failed, and `error` says why."""

    name: str
    title: str
    unit: str = ""
    goal: Goal | None = None
    ours: Side | None = None
    theirs: Side | None = None
    note: str = ""
    error: str = ""

    @property
    def ratio(self) -> float | None:
        """Our value divided by theirs."""
        return self.ours.value / self.theirs.value if self.ours and self.theirs else None

    @property
    def round_ratio(self) -> float | None:
        """The median of the ratios within each round: steadier than `ratio` when the machine drifts."""
        if not self.ours or not self.theirs:
            return None
        pairs = zip(self.ours.values, self.theirs.values, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    @property
    def disturbed(self) -> int:
        """How many samples shared the server's core with other processes for more than a tenth."""
        sides = [side for side in (self.ours, self.theirs) if side]
        return sum((sample.others or 0) > DISTURBED for side in sides for sample in side.samples)

    @property
    def reached(self) -> bool | None:
        """Whether the ratio reaches the goal; None without a goal or a ratio."""
        if self.goal is None or self.ratio is None or self.ours is None:
            return None
        return self.goal.reached(self.ratio, self.ours.value)

    def document(self) -> dict[str, Any]:
        """Return everything, the derived numbers too, as JSON types."""
        sides = {"ours": self.ours, "theirs": self.theirs}
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "goal": asdict(self.goal) if self.goal else None,
            "reached": self.reached,
            "ratio": self.ratio,
            "median_of_round_ratios": self.round_ratio,
            **{name: _side(side) for name, side in sides.items()},
            "note": self.note,
            "error": self.error,
        }


def _side(side: Side | None) -> dict[str, Any] | None:
    return None if side is None else {**asdict(side), "value": side.value, "cpu_per_1000": side.cpu_per_1000}


def paired(ours: Sequence[float], theirs: Sequence[float], titles: tuple[str, str]) -> tuple[Side, Side]:
    """Return two sides without samples."""
    return Side(titles[0], tuple(ours)), Side(titles[1], tuple(theirs))
