"""Rows about what a feature costs each request: processor time of two gateways, in short turns."""

from dataclasses import dataclass, replace

from bench.measure import Bench, Sample, Target
from bench.process import BenchError, Placement
from bench.result import Goal, Result, Side

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class CostRow:
    """Microseconds of the processor for a request of `ours` and of `theirs`, saturated, over all turns.

    Both servers are on one core and the load is on another, where there are two.
    """

    name: str
    title: str
    ours: Target
    theirs: Target
    goal: Goal | None = None
    turns: int = 8  # of a round, on each side: a machine that slows down for a moment slows both
    seconds: int = 0  # a turn takes at least so long, where the first second is not like the others

    def run(self, bench: Bench) -> Result:
        """Alternate the two sides; raises `BenchError` when either fails, or without /proc."""
        placement = Placement.detect()
        bench = replace(bench, placement=placement, generator=replace(bench.generator, cores=placement.load))
        targets = (self.ours, self.theirs)
        samples: dict[Target, list[Sample]] = {target: [] for target in targets}
        with bench.serving(*(target.peer for target in targets)) as servers:
            expect = {target: bench.reference(servers[target.peer.name], target.path) for target in targets}
            for target in targets:
                server = servers[target.peer.name]
                bench.warm_up(server, target.path, connections=CONNECTIONS, expect=expect[target])
            for turn in range(bench.rounds * self.turns):
                # Who comes first changes, so that neither always follows the other.
                for target in targets if turn % 2 else reversed(targets):
                    server = servers[target.peer.name]
                    expected, least = expect[target], self.seconds
                    sample = bench.sample(server, target.path, connections=CONNECTIONS, expect=expected, at_least=least)
                    samples[target].append(sample)
                if (turn + 1) % self.turns == 0:
                    so_far = (f"{target.title}: {_microseconds(samples[target]):.1f} µs" for target in targets)
                    bench.say(f"    round {(turn + 1) // self.turns}: {'; '.join(so_far)}")
        ours, theirs = (
            Side(
                target.title,
                tuple(_microseconds([sample]) for sample in samples[target]),
                tuple(samples[target]),
                _microseconds(samples[target]),
            )
            for target in targets
        )
        return Result(self.name, self.title, "µs", self.goal, ours, theirs, str(placement))


def _microseconds(samples: list[Sample]) -> float:
    """Of the processor, for a request, in all of these."""
    spent = 0.0
    for sample in samples:
        if sample.cpu_per_1000 is None:
            raise BenchError("this row needs processor times from /proc, which this system does not have")
        spent += sample.cpu_per_1000 * sample.requests
    return spent / sum(sample.requests for sample in samples) * 1e3
