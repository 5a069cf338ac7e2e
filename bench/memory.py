"""The row about resident memory after the same work."""

import statistics
from dataclasses import dataclass

from bench.measure import Bench
from bench.peers import Peer
from bench.process import Memory
from bench.result import Goal, Result, paired

MIB = 1024 * 1024
# Enough sleeping requests at once to start every thread, then enough work to fill every cache.
WORK = (("/wait/", 640), ("/orm/", 4_000), ("/json/", 2_000))


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """Proportional set size, summed over each server's processes, both freshly started in every round.

    Proportional, because a pre-forking master shares most pages with its worker: resident sizes added up
    would count them twice, and the worker's alone would leave the master out.
    """

    name: str
    title: str
    ours: Peer
    theirs: Peer
    goal: Goal | None = None
    connections: int = 64
    most_rounds: int = 3

    def run(self, bench: Bench) -> Result:
        """Start, work and weigh each side in turn; raises `BenchError` when either fails."""
        weighed: dict[Peer, list[Memory]] = {self.ours: [], self.theirs: []}
        for number in range(min(bench.rounds, self.most_rounds)):
            for peer, memories in weighed.items():
                memory = self._weigh(bench, peer)
                memories.append(memory)
                bench.say(f"    round {number + 1}: {peer.title}: {memory.pss / MIB:.1f} MiB")
        sides = paired(
            [memory.pss / MIB for memory in weighed[self.ours]],
            [memory.pss / MIB for memory in weighed[self.theirs]],
            (self.ours.title, self.theirs.title),
        )
        alone = (
            f"{peer.title} {statistics.median(one.rss for one in memories) / MIB:.0f} MiB"
            for peer, memories in weighed.items()
        )
        note = f"PSS of all processes; RSS of the serving process alone: {', '.join(alone)}"
        return Result(self.name, self.title, "MiB", self.goal, *sides, note)

    def _weigh(self, bench: Bench, peer: Peer) -> Memory:
        """Return a fresh server's memory after the work."""
        with bench.serving(peer) as servers:
            server = servers[peer.name]
            for path, requests in WORK:
                load = bench.generator.counted(server.url(path), connections=self.connections, requests=requests)
                with load:
                    load.result()
            return server.memory()
