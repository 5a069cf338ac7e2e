"""The row about waiting for the database ten times at once."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.measure import Bench
from bench.peers import FASTAPI_DJANGO, GATEWAY_BRIDGED
from bench.process import BenchError, Server
from bench.result import Goal, Result, Side

PATH = "/fast/slow-orm"
TOGETHER = 10


@dataclass(frozen=True, slots=True)
class ParallelRow:
    """Seconds until ten requests that were sent together are all answered."""

    name: str
    title: str
    goal: Goal | None = None

    def run(self, bench: Bench) -> Result:
        """Ask each side in turn; raises `BenchError` when one does not answer."""
        peers = (GATEWAY_BRIDGED, FASTAPI_DJANGO)
        values: dict[str, list[float]] = {peer.name: [] for peer in peers}
        with bench.serving(*peers) as servers:
            for number in range(bench.rounds):
                for peer in peers:
                    values[peer.name].append(_seconds(servers[peer.name]))
                    bench.say(f"    round {number + 1}: {peer.title}: {values[peer.name][-1]:.2f} s")
        ours, theirs = (Side(peer.title, tuple(values[peer.name])) for peer in peers)
        note = f"medians {statistics.median(ours.values):.2f} s and {statistics.median(theirs.values):.2f} s"
        return Result(self.name, self.title, "s", self.goal, ours, theirs, note)


def _seconds(server: Server) -> float:
    with ThreadPoolExecutor(TOGETHER) as clients:
        started = time.perf_counter()
        statuses = [status for status, _ in clients.map(lambda _: server.get(PATH), range(TOGETHER))]
        elapsed = time.perf_counter() - started
    if set(statuses) != {200}:
        raise BenchError(f"{server.name}: GET {PATH} answers {statuses}, expected 200")
    return elapsed
