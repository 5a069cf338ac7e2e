"""The row about the router alone: what a lookup costs, and that it does not grow with the routes."""

import json
import statistics
from dataclasses import dataclass

from bench.measure import Bench
from bench.result import Goal, Result, paired

FEW, MANY = 10, 10_000


@dataclass(frozen=True, slots=True)
class MatchRow:
    """Microseconds per `match` with many and with few routes, each in a fresh process per round.

    The value of a round is the mean over the kinds of path; the note has each kind's median.
    """

    name: str
    title: str
    goal: Goal | None = None

    def run(self, bench: Bench) -> Result:
        """Alternate the two tables; raises `BenchError` when the router cannot be measured."""
        many: list[dict[str, float]] = []
        few: list[dict[str, float]] = []
        hot: list[dict[str, float]] = []
        for number in range(bench.rounds):
            many.append(_costs(bench, MANY, MANY))
            few.append(_costs(bench, FEW, FEW))
            hot.append(_costs(bench, MANY, FEW))
            mean = (statistics.mean(seen[-1].values()) for seen in (many, few))
            bench.say(f"    round {number + 1}: {MANY:,} routes {next(mean):.2f} µs, {FEW} {next(mean):.2f} µs")
        sides = paired(
            [statistics.mean(one.values()) for one in many],
            [statistics.mean(one.values()) for one in few],
            (f"{MANY:,} routes", f"{FEW} routes"),
        )
        kinds = ", ".join(f"{kind} {statistics.median(one[kind] for one in many):.2f} µs" for kind in many[0])
        same = statistics.median(statistics.mean(one.values()) for one in hot)
        note = (
            f"mean of four kinds of path; with {MANY:,} routes, all asked for: {kinds}; "
            f"with {MANY:,} routes, the same {FEW} asked for: {same:.2f} µs, ratio {same / sides[1].value:.2f}"
        )
        return Result(self.name, self.title, "µs", self.goal, *sides, note)


def _costs(bench: Bench, routes: int, asked: int) -> dict[str, float]:
    """Return microseconds per lookup by kind of path, from a fresh process."""
    printed = bench.helper("bench.match_cost", str(routes), "--asked", str(asked))
    return {kind: seconds * 1e6 for kind, seconds in json.loads(printed).items()}
