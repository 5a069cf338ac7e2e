"""The shared means of every row: servers that are up for a block, and one sample of a loaded server."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from bench.generator import BUSY_LIMIT, Counts, Generator
from bench.peers import Peer
from bench.process import ROOT, BenchError, Placement, Server, core_seconds, on_cores

WARM_UP_SECONDS = 1
HELPER_SECONDS = 120
DRAIN_SECONDS = 15
# How long a server has to use less than a fifth of a core to count as resting.
REST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Target:
    """A path on a peer, and what the table calls the pair."""

    peer: Peer
    path: str
    label: str = ""

    @property
    def title(self) -> str:
        """The label, or the peer's own title."""
        return self.label or self.peer.title


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one side. Rate in requests per second, latencies in seconds, CPU in seconds per 1,000.

    `others` is the share of the server's core that went to processes that are not the server.
    """

    rate: float
    p50: float
    p99: float
    requests: int
    cpu_per_1000: float | None
    generator_busy: float | None
    others: float | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """One run's settings, and where it keeps its files."""

    rounds: int
    seconds: int
    placement: Placement
    generator: Generator
    workspace: Path
    say: Callable[[str], None]

    @contextlib.contextmanager
    def serving(self, *peers: Peer) -> Iterator[dict[str, Server]]:
        """Start the peers (each once) and the supplier, and yield them by name when they answer; what runs beside one
        is there as "NAME-beside".

        Raises `BenchError` when one cannot be imported, does not start or does not answer.
        """
        commands = {peer: peer.command() for peer in dict.fromkeys(peers)}
        with contextlib.ExitStack() as stack:
            supplier = stack.enter_context(self._supplier())
            env = self.environment() | {"BENCH_SUPPLIER": supplier.url("")}
            servers: dict[str, Server] = {}
            for peer, command in commands.items():
                log = self.workspace / f"{peer.name}.log"
                if beside := peer.command_beside():
                    servers[f"{peer.name}-beside"] = self._beside(peer, beside, {**env, **peer.env})
                    stack.enter_context(servers[f"{peer.name}-beside"])
                server = Server(peer.title, command, env={**env, **peer.env}, log=log, cores=self.placement.server)
                servers[peer.name] = stack.enter_context(server)
            for peer in commands:
                servers[peer.name].wait_ready(peer.ready)
            yield servers

    def _beside(self, peer: Peer, command: list[str], env: dict[str, str]) -> Server:
        """Start what runs beside a peer, wherever there is room. The peer finds it by itself, while it is warmed up."""
        log = self.workspace / f"{peer.name}-beside.log"
        return Server(f"gateway {peer.beside}", command, env=env, log=log, cores=frozenset())

    def _supplier(self) -> Server:
        """Start the stub supplier on the load's side: it stands for somebody else's machine."""
        command = [sys.executable, "-m", "bench.supplier", "--port", "{port}"]
        log = self.workspace / "supplier.log"
        return Server("supplier", command, env={}, log=log, cores=self.placement.load)

    def environment(self) -> dict[str, str]:
        """Return what every peer and helper gets in its environment."""
        return {
            "BENCH_DATABASE": str(self.workspace / "db.sqlite3"),
            "DJANGO_SETTINGS_MODULE": "bench.project.settings",
            "PYTHONPATH": str(ROOT),
        }

    def helper(self, *arguments: str, tree: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
        """Run `python -m …` in a fresh process on the server's core; return what it prints.

        `tree` is the folder whose `gateway` is imported; `env` comes on top of `environment`. Raises `BenchError`
        with the end of its output when it fails.
        """
        try:
            with on_cores(self.placement.server):
                done = subprocess.run(
                    [sys.executable, "-m", *arguments],
                    cwd=tree,
                    env={**os.environ, **self.environment(), **(env or {})},
                    text=True,
                    capture_output=True,
                    timeout=HELPER_SECONDS,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            raise BenchError(f"python -m {' '.join(arguments)} took over {HELPER_SECONDS} s") from None
        if done.returncode:
            raise BenchError(f"python -m {' '.join(arguments)} failed:\n{done.stderr.strip()[-1500:]}")
        return done.stdout

    def reference(self, server: Server, path: str) -> Path:
        """Ask once, and return the file that holds the body every later answer must equal."""
        file = self.workspace / f"expect-{server.port}-{path.strip('/').replace('/', '-')}"
        file.write_bytes(_body(server, path))
        return file

    def sample(self, server: Server, path: str, *, connections: int, expect: Path, at_least: int = 0) -> Sample:
        """Load `path` for one round, of `at_least` so many seconds.

        Raises `BenchError` naming the server when an answer was wrong.
        """
        before, started, core = server.cpu_seconds(), time.monotonic(), core_seconds(self.placement.server)
        counts = self._load(server, path, connections, max(self.seconds, at_least), expect)
        after, elapsed = server.cpu_seconds(), time.monotonic() - started
        core_after = core_seconds(self.placement.server)
        self.drain(server)
        if _body(server, path) != expect.read_bytes():
            raise BenchError(f"{server.name}: GET {path} answers differently after the load")
        if before is None or after is None:
            return Sample(counts.rate, counts.p50, counts.p99, counts.total, None, counts.busy)
        spent = after - before
        others = None if core is None or core_after is None else (core_after - core - spent) / elapsed
        cpu = spent / counts.total * 1000
        return Sample(counts.rate, counts.p50, counts.p99, counts.total, cpu, counts.busy, others)

    def warm_up(self, server: Server, path: str, *, connections: int, expect: Path) -> None:
        """Load `path` without looking at the numbers: imports, caches, threads and connections."""
        self._load(server, path, connections, WARM_UP_SECONDS, expect)
        self.drain(server)

    def settle(self) -> None:
        """Wait until a load that was just started has all its connections busy."""
        time.sleep(0.5)

    def _load(self, server: Server, path: str, connections: int, seconds: int, expect: Path) -> Counts:
        load = self.generator.timed(server.url(path), connections=connections, seconds=seconds, expect=expect)
        try:
            with load:
                counts = load.result()
        except BenchError as error:
            raise BenchError(f"{server.name}: GET {path}: {error}\n{server.log_tail()}".rstrip()) from error
        if counts.busy is not None and counts.busy > BUSY_LIMIT:
            self.say(f"    the load generator was {counts.busy:.0%} busy: it may be what limits {server.name}")
        return counts

    def drain(self, server: Server) -> None:
        """Wait until the server rests: what a load leaves behind must not be charged to the next side."""
        until = time.monotonic() + DRAIN_SECONDS
        spent = server.cpu_seconds()
        while time.monotonic() < until:
            time.sleep(REST_SECONDS)
            before, spent = spent, server.cpu_seconds()
            if before is None or spent is None or spent - before < REST_SECONDS / 5:
                return
        raise BenchError(f"{server.name} is still busy {DRAIN_SECONDS} s after the load")


def _body(server: Server, path: str) -> bytes:
    """Return the body of one GET; raises `BenchError` when there is none or it is not a 200."""
    try:
        status, body = server.get(path)
    except (OSError, HTTPException) as error:
        raise BenchError(f"{server.name}: GET {path}: {error!r}\n{server.log_tail()}".rstrip()) from error
    if status != 200:
        raise BenchError(f"{server.name}: GET {path} answers {status}, expected 200")
    return body


def check_same_answer(*expected: Path) -> None:
    """Raise `BenchError` unless all reference bodies are the same JSON: else the sides do not compare."""
    first, *others = (json.loads(file.read_bytes()) for file in expected)
    if any(other != first for other in others):
        raise BenchError("the two sides answer differently; expected the same JSON")


def create_database(bench: Bench) -> None:
    """Create the SQLite database in the workspace; raises `BenchError` when Django cannot."""
    bench.helper("bench.project.database")
