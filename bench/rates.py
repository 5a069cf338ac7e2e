"""Rows that compare requests per second: two targets, or one target and the limit."""

from dataclasses import dataclass

from bench.measure import Bench, Sample, Target, check_same_answer
from bench.peers import HELLO
from bench.process import BenchError
from bench.result import Goal, Result, Side


@dataclass(frozen=True, slots=True)
class RateRow:
    """Requests per second of two targets, both servers up all the while and loaded in turn."""

    name: str
    title: str
    ours: Target
    theirs: Target
    goal: Goal | None = None
    connections: int = 32
    note: str = ""
    at_least: int = 0  # seconds a round must take, where single requests take long

    def run(self, bench: Bench) -> Result:
        """Alternate the two sides; raises `BenchError` when either fails or they answer differently."""
        targets = (self.ours, self.theirs)
        samples: dict[Target, list[Sample]] = {target: [] for target in targets}
        with bench.serving(*(target.peer for target in targets)) as servers:
            expect = {target: bench.reference(servers[target.peer.name], target.path) for target in targets}
            check_same_answer(*expect.values())
            for target in targets:
                server = servers[target.peer.name]
                bench.warm_up(server, target.path, connections=self.connections, expect=expect[target])
            for number in range(bench.rounds):
                for target in targets:
                    server = servers[target.peer.name]
                    expected, least = expect[target], self.at_least
                    sample = bench.sample(
                        server, target.path, connections=self.connections, expect=expected, at_least=least
                    )
                    samples[target].append(sample)
                    bench.say(f"    round {number + 1}: {target.title}: {sample.rate:,.0f} requests/s")
        ours, theirs = (
            Side(target.title, tuple(sample.rate for sample in samples[target]), tuple(samples[target]))
            for target in targets
        )
        return Result(self.name, self.title, "/s", self.goal, ours, theirs, self.note)


@dataclass(frozen=True, slots=True)
class LimitRow:
    """Requests per second against what Django's own CPU time and bare uvicorn's leave room for.

    The limit is 1 / (Django's WSGI handler called in a loop, per request + the CPU time a uvicorn that
    returns the same bytes uses per request), each measured anew in every round.
    """

    name: str
    title: str
    ours: Target
    goal: Goal | None = None
    connections: int = 32

    def run(self, bench: Bench) -> Result:
        """Alternate the target, bare uvicorn and Django alone; raises `BenchError` when one fails."""
        ours: list[Sample] = []
        limits: list[float] = []
        with bench.serving(self.ours.peer, HELLO) as servers:
            sides = (servers[self.ours.peer.name], servers[HELLO.name])
            expect = [bench.reference(server, self.ours.path) for server in sides]
            if expect[0].read_bytes() != expect[1].read_bytes():
                raise BenchError("bare uvicorn does not return the bytes of the view; bench/hello.py is stale")
            for server, body in zip(sides, expect, strict=True):
                bench.warm_up(server, self.ours.path, connections=self.connections, expect=body)
            for number in range(bench.rounds):
                sample, bare = (
                    bench.sample(server, self.ours.path, connections=self.connections, expect=body)
                    for server, body in zip(sides, expect, strict=True)
                )
                if bare.cpu_per_1000 is None:
                    raise BenchError("the limit needs CPU times from /proc, which this system does not have")
                django = float(bench.helper("bench.django_cpu", self.ours.path))
                ours.append(sample)
                limits.append(1 / (django + bare.cpu_per_1000 / 1000))
                bench.say(
                    f"    round {number + 1}: {sample.rate:,.0f} requests/s; limit {limits[-1]:,.0f} from "
                    f"Django {django * 1e6:.1f} µs + uvicorn {bare.cpu_per_1000 * 1e3:.1f} µs"
                )
        return Result(
            self.name,
            self.title,
            "/s",
            self.goal,
            Side(self.ours.title, tuple(sample.rate for sample in ours), tuple(ours)),
            Side("limit: Django's CPU + bare uvicorn's", tuple(limits)),
        )
