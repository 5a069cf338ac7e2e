"""The row about a FastAPI endpoint's slowest answers while the Django project has all it can do."""

import statistics
from dataclasses import dataclass

from bench.measure import Bench, Sample, Target
from bench.process import Server
from bench.result import Goal, Result, Side

# Light enough to measure the wait rather than to add to it; each client pauses after its answer.
PROBES = 4
PROBE_INTERVAL = 0.005


@dataclass(frozen=True, slots=True)
class TailRow:
    """p99 of `ours.path` and `theirs.path` while `busy` is requested as fast as the server answers."""

    name: str
    title: str
    ours: Target
    theirs: Target
    busy: str
    goal: Goal | None = None
    connections: int = 64

    def run(self, bench: Bench) -> Result:
        """Alternate the two sides; raises `BenchError` when either fails."""
        targets = (self.ours, self.theirs)
        samples: dict[Target, list[Sample]] = {target: [] for target in targets}
        busy: dict[Target, list[float]] = {target: [] for target in targets}
        with bench.serving(*(target.peer for target in targets)) as servers:
            for target in targets:
                server = servers[target.peer.name]
                body = bench.reference(server, self.busy)
                bench.warm_up(server, self.busy, connections=self.connections, expect=body)
            for number in range(bench.rounds):
                for target in targets:
                    sample, rate = self._round(bench, servers[target.peer.name], target)
                    samples[target].append(sample)
                    busy[target].append(rate)
                    bench.say(
                        f"    round {number + 1}: {target.title}: p50 {sample.p50 * 1e3:.1f} ms, "
                        f"p99 {sample.p99 * 1e3:.1f} ms"
                    )
        ours, theirs = (
            Side(target.title, tuple(sample.p99 * 1e3 for sample in samples[target]), tuple(samples[target]))
            for target in targets
        )
        asides = (
            f"{target.title}: p50 {statistics.median(one.p50 for one in samples[target]) * 1e3:.1f} ms, "
            f"beside {statistics.median(busy[target]):,.0f} legacy requests/s"
            for target in targets
        )
        return Result(self.name, self.title, "ms", self.goal, ours, theirs, "; ".join(asides))

    def _round(self, bench: Bench, server: Server, target: Target) -> tuple[Sample, float]:
        """Saturate, let it settle, and probe; return the probe's sample and the legacy requests per second.

        Raises `BenchError` on a wrong answer.
        """
        busy_body, body = bench.reference(server, self.busy), bench.reference(server, target.path)
        saturate = bench.generator.timed(
            server.url(self.busy), connections=self.connections, seconds=bench.seconds + 2, expect=busy_body
        )
        with saturate:
            bench.settle()
            probe = bench.generator.probe(
                server.url(target.path),
                connections=PROBES,
                seconds=bench.seconds,
                interval=PROBE_INTERVAL,
                more=["--expect", str(body)],
            )
            with probe:
                seen = probe.result()
            legacy = saturate.result()
        bench.drain(server)
        return Sample(seen.rate, seen.p50, seen.p99, seen.total, None, seen.busy), legacy.rate
