"""The row about what a decision costs."""

import json
import statistics
from dataclasses import dataclass

from bench.measure import Bench
from bench.result import Goal, Result, paired


@dataclass(frozen=True, slots=True)
class DecideRow:
    """Microseconds per `decide`, each round in a fresh process: the slowest kind of canary, and a live route."""

    name: str
    title: str
    goal: Goal | None = None

    def run(self, bench: Bench) -> Result:
        """Measure; raises `BenchError` when it cannot be."""
        rounds: list[dict[str, float]] = []
        for number in range(bench.rounds):
            printed: dict[str, float] = json.loads(bench.helper("bench.decide_cost"))
            rounds.append({kind: seconds * 1e6 for kind, seconds in printed.items()})
            bench.say(
                f"    round {number + 1}: " + ", ".join(f"{kind} {cost:.2f} µs" for kind, cost in rounds[-1].items())
            )
        live = [seen.pop("live") for seen in rounds]
        slowest = max(rounds[0], key=lambda kind: statistics.median(seen[kind] for seen in rounds))
        sides = paired([seen[slowest] for seen in rounds], live, (slowest, "live"))
        note = ", ".join(f"{kind} {statistics.median(seen[kind] for seen in rounds):.2f} µs" for kind in rounds[0])
        return Result(self.name, self.title, "µs", self.goal, *sides, note)
