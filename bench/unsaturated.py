"""The rows about what callers wait for on a server that has time to spare.

Servers are on one core and the load on another, where there are two: a caller is on a machine of its own, and does not
wait for a processor that the server uses for mirrors.
"""

import statistics
from dataclasses import dataclass, replace

from bench.measure import Bench, Sample, Target
from bench.process import Placement, Server
from bench.result import Goal, Result, Side

CLIENTS = 4
INTERVAL = 0.02  # seconds that each client pauses on average: some 180 requests/s, a tenth of what the server could


@dataclass(frozen=True, slots=True)
class UnsaturatedRow:
    """A percentile, "p50" or "p99", of `ours.path` and `theirs.path` under a light load."""

    name: str
    title: str
    ours: Target
    theirs: Target
    percentile: str
    at_least: int  # seconds of a round: the p99 of a few hundred requests is the luck of a few
    goal: Goal | None = None

    def run(self, bench: Bench) -> Result:
        """Alternate the two sides; raises `BenchError` when either fails."""
        placement = Placement.detect()
        bench = replace(bench, placement=placement, generator=replace(bench.generator, cores=placement.load))
        targets = (self.ours, self.theirs)
        samples: dict[Target, list[Sample]] = {target: [] for target in targets}
        with bench.serving(*(target.peer for target in targets)) as servers:
            for target in targets:
                server = servers[target.peer.name]
                bench.warm_up(server, target.path, connections=CLIENTS, expect=bench.reference(server, target.path))
            for number in range(bench.rounds):
                for target in targets:
                    samples[target].append(self._round(bench, servers[target.peer.name], target))
                    bench.say(f"    round {number + 1}: {target.title}: {self._value(samples[target][-1]):.2f} ms")
        ours, theirs = (
            Side(target.title, tuple(map(self._value, samples[target])), tuple(samples[target])) for target in targets
        )
        note = "; ".join(
            f"{target.title}: {statistics.median(one.rate for one in samples[target]):,.0f} requests/s"
            for target in targets
        )
        note = f"{note}; {placement}"
        return Result(self.name, self.title, "ms", self.goal, ours, theirs, note)

    def _value(self, sample: Sample) -> float:
        seconds: float = getattr(sample, self.percentile)
        return seconds * 1e3

    def _round(self, bench: Bench, server: Server, target: Target) -> Sample:
        expect = bench.reference(server, target.path)
        before = server.cpu_seconds()
        probe = bench.generator.probe(
            server.url(target.path),
            connections=CLIENTS,
            seconds=max(bench.seconds, self.at_least),
            interval=INTERVAL,
            expect=expect,
        )
        with probe:
            seen = probe.result()
        bench.drain(server)  # mirrors go on for a while
        after = server.cpu_seconds()
        cpu = None if before is None or after is None else (after - before) / seen.total * 1000
        return Sample(seen.rate, seen.p50, seen.p99, seen.total, cpu, seen.busy)
