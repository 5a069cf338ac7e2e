"""The row about how long a service still answers once its route is rolled back."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection

from bench.measure import Bench
from bench.peers import GATEWAY_CONTROLLED, WORKERS
from bench.process import HOST, BenchError, Server
from bench.result import Goal, Result, paired

PATH = "/worker/"
CONNECTIONS = 32
ON_ONE_CONNECTION = 50  # requests
PATIENCE = 30.0
CALM = 2.0  # seconds without an answer of the service, after which none is to come


@dataclass(slots=True)
class Watch:
    """What all clients see: when each side answered last, and which workers did. Times are seconds since 1970."""

    began: float = 0.0  # the last request that the service answered
    ended: float = 0.0  # its last answer
    workers: dict[str, set[int]] = field(default_factory=lambda: {"bench": set(), "legacy": set()})
    answers: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def until(self, side: str) -> None:
        """Wait until all workers have answered as `side`, and the other side has had its last. Raises BenchError."""
        for known in self.workers.values():
            known.clear()
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            time.sleep(0.05)
            if len(self.workers[side]) == WORKERS and (side == "bench" or time.time() - self.ended > CALM):
                return
        raise BenchError(f"{side} answers in {len(self.workers[side])} of {WORKERS} workers after {PATIENCE:g} s")

    def ask(self, port: int) -> None:
        """Ask until the watch is stopped, now and then on a new connection: a worker that started late has none yet.

        Raises BenchError for a wrong answer.
        """
        while not self.stopped.is_set():
            with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
                for _ in range(ON_ONE_CONNECTION):
                    self._ask(connection)

    def _ask(self, connection: HTTPConnection) -> None:
        began = time.time()
        connection.request("GET", PATH, headers={"Host": HOST})
        response = connection.getresponse()
        self._note(began, response, response.read())

    def _note(self, began: float, response: http.client.HTTPResponse, body: bytes) -> None:
        side = response.headers["x-served-by"]
        if response.status != 200:
            raise BenchError(f"GET {PATH} answers {response.status}, expected 200")
        self.answers += 1
        self.workers[side].add(json.loads(body)["pid"])
        if side == "bench":
            self.began, self.ended = max(self.began, began), max(self.ended, time.time())


@contextlib.contextmanager
def watching(server: Server) -> Iterator[Watch]:
    """A watch whose clients ask without a pause. Raises what they raised."""
    watch = Watch()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        clients = [pool.submit(watch.ask, server.port) for _ in range(CONNECTIONS)]
        try:
            yield watch
        finally:
            watch.stopped.set()
        for client in clients:
            client.result()


@dataclass(frozen=True, slots=True)
class RollbackRow:
    """Seconds from a rollback in another process to the last answer by the service, over all workers."""

    name: str
    title: str
    goal: Goal | None = None

    def run(self, bench: Bench) -> Result:
        """Promote and roll back by turns; raises `BenchError` without PostgreSQL, or when a worker is never asked."""
        bench.helper("bench.operator", "create")
        seconds, begun, answers = [], [], 0
        with bench.serving(GATEWAY_CONTROLLED) as servers:
            for number in range(bench.rounds):
                with watching(servers[GATEWAY_CONTROLLED.name]) as watch:
                    watch.until("bench")
                    moved = float(bench.helper("bench.operator", "rollback"))
                    watch.until("legacy")
                    seconds.append(watch.ended - moved)
                    begun.append(watch.began - moved)
                    bench.helper("bench.operator", "promote")
                    answers += watch.answers
                bench.say(f"    round {number + 1}: {seconds[-1]:.3f} s")
        note = (
            f"slowest {max(seconds):.3f} s; the last request that the service answered began {max(begun):.3f} s after "
            f"at most; {answers:,} answers from {WORKERS} workers on {CONNECTIONS} connections"
        )
        sides = paired(seconds, [1.0] * len(seconds), ("gateway", "what is allowed"))
        return Result(self.name, self.title, "s", self.goal, *sides, note)
