"""The rows about what callers wait for on a server that has time to spare.

Servers are on one core and the load on another, where there are two: a caller is on a machine of its own, and does not
wait for a processor that the server uses for mirrors.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from bench.load import percentile
from bench.measure import Bench, Sample, Target
from bench.process import BenchError, Placement, Server
from bench.result import Goal, Result, Side

CLIENTS = 4
TURN = 3  # seconds: a machine that slows down for a moment slows both sides
RESAMPLED = 400  # times, to tell how far the ratio is luck
LIKELY = 0.9
LEAST = 2e-4  # seconds of the processor that a mirror takes in a process of its own

Turn = tuple[float, ...]  # the latencies of a turn, in seconds


@dataclass(frozen=True, slots=True)
class UnsaturatedRow:
    """The percentile `fraction` of `ours.path` and `theirs.path` under a light load, over all rounds."""

    name: str
    title: str
    ours: Target
    theirs: Target
    fraction: float
    turns: int  # of a round, on each side: the p99 of a few hundred requests is the luck of a few
    goal: Goal | None = None
    interval: float = 0.02  # seconds that each client pauses on average: some 180/s, a tenth of what the server could
    requests: Callable[[Bench], AbstractContextManager[list[str]]] | None = None  # else GETs, of equal answers

    def run(self, bench: Bench) -> Result:
        """Alternate the two sides; raises `BenchError` when either fails."""
        placement = Placement.detect()
        bench = replace(bench, placement=placement, generator=replace(bench.generator, cores=placement.load))
        if self.requests is None:
            return self._measured(bench, placement, None)
        with self.requests(bench) as more:
            return self._measured(bench, placement, more)

    def _measured(self, bench: Bench, placement: Placement, more: list[str] | None) -> Result:
        targets = (self.ours, self.theirs)
        turns: dict[Target, list[Turn]] = {target: [] for target in targets}
        samples: dict[Target, list[Sample]] = {target: [] for target in targets}
        with bench.serving(*(target.peer for target in targets)) as servers:
            for target in targets:
                server = servers[target.peer.name]
                if more is None:
                    bench.warm_up(server, target.path, connections=CLIENTS, expect=bench.reference(server, target.path))
                else:
                    _turn(bench, server, target, self.interval, more)
            for number in range(bench.rounds * self.turns):
                for target in targets:
                    server = servers[target.peer.name]
                    latencies, sample = _turn(bench, server, target, self.interval, more, seed=number)
                    turns[target].append(latencies)
                    samples[target].append(sample)
                if (number + 1) % self.turns == 0:
                    so_far = (f"{target.title}: {self._value(turns[target]):.2f} ms" for target in targets)
                    bench.say(f"    round {(number + 1) // self.turns}: {'; '.join(so_far)}")
            beside = _beside(servers, self.ours.peer.name, sum(map(len, turns[self.ours])))
        ours, theirs = (self._side(target.title, turns[target], samples[target]) for target in targets)
        note = f"{self._likely(turns[self.ours], turns[self.theirs])}; {placement}{beside}"
        return Result(self.name, self.title, "ms", self.goal, ours, theirs, note)

    def _side(self, title: str, turns: Sequence[Turn], samples: Sequence[Sample]) -> Side:
        rounds = (turns[at : at + self.turns] for at in range(0, len(turns), self.turns))
        return Side(title, tuple(map(self._value, rounds)), tuple(samples), self._value(turns))

    def _value(self, turns: Sequence[Turn]) -> float:
        """The percentile over all of these, in milliseconds."""
        return percentile(sorted(seconds for turn in turns for seconds in turn), self.fraction) * 1e3

    def _likely(self, ours: Sequence[Turn], theirs: Sequence[Turn]) -> str:
        """Between what the ratio is, by the bootstrap: turns are drawn again and again, with replacement."""
        draw = random.Random(0)  # noqa: S311 - statistics
        ratios = []
        for _ in range(RESAMPLED):
            drawn = draw.choices(range(len(ours)), k=len(ours))
            ratios.append(self._value([ours[at] for at in drawn]) / self._value([theirs[at] for at in drawn]))
        ratios.sort()
        low, high = (percentile(ratios, fraction) for fraction in ((1 - LIKELY) / 2, (1 + LIKELY) / 2))
        asked = sum(map(len, theirs))
        return f"{low:.2f} to {high:.2f} with {LIKELY:.0%} confidence, by {asked:,} requests on each side"


def _beside(servers: Mapping[str, Server], peer: str, requests: int) -> str:
    """What the process beside a peer took for each request, in words. Raises `BenchError` where that is nearly nothing:
    then it was not used."""
    if (server := servers.get(f"{peer}-beside")) is None or (seconds := server.cpu_seconds()) is None:
        return ""
    if seconds < requests * LEAST:
        raise BenchError(f"{server.name} took {seconds:.1f} s for {requests:,} requests: it has not made their mirrors")
    return f"; {server.name} took {seconds / requests * 1e3:.2f} ms of its processor for each, its start included"


def _turn(
    bench: Bench, server: Server, target: Target, interval: float, more: list[str] | None, *, seed: int = 0
) -> tuple[Turn, Sample]:
    if more is None:
        more = ["--expect", str(bench.reference(server, target.path))]
    before = server.cpu_seconds()
    probe = bench.generator.probe(
        server.url(target.path), connections=CLIENTS, seconds=TURN, interval=interval, more=more, seed=seed
    )
    with probe:
        seen = probe.result()
    bench.drain(server)  # mirrors go on for a while
    after = server.cpu_seconds()
    cpu = None if before is None or after is None else (after - before) / seen.total * 1000
    return seen.latencies, Sample(seen.rate, seen.p50, seen.p99, seen.total, cpu, seen.busy)
