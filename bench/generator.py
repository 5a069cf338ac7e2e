"""Runs a load generator, wrk or the bundled one, as a process beside the server."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.process import HOST, ROOT, BenchError, on_cores

# The bundled generator can keep up with 30,000 requests a second; above this share of its core it may not.
BUSY_LIMIT = 0.95


@dataclass(frozen=True, slots=True)
class Counts:
    """What a load saw. Latencies and `seconds` in seconds; `total` counts what the server worked on."""

    requests: int
    total: int
    seconds: float
    p50: float
    p99: float
    busy: float | None = None
    latencies: tuple[float, ...] = ()  # each of them, in order, where that was asked for

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


class RunningLoad:
    """A load under way. `result()` waits for its counts; leaving the context ends it."""

    def __init__(self, command: Sequence[str], *, wrk: bool, cores: frozenset[int], grace: float) -> None:
        self._wrk = wrk
        self._grace = grace
        with on_cores(cores):
            self._process = subprocess.Popen(
                command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def result(self) -> Counts:
        """Wait for the end and return the counts; raises `BenchError` when any response was wrong."""
        try:
            output, errors = self._process.communicate(timeout=self._grace)
        except subprocess.TimeoutExpired:
            raise BenchError(f"the load generator did not end within {self._grace:g} s") from None
        if self._process.returncode:
            raise BenchError(f"the load generator failed: {errors.strip()[-500:]}")
        return parse_wrk(output) if self._wrk else parse_builtin(output)


@dataclass(frozen=True, slots=True)
class Generator:
    """How loads are made: with wrk at `wrk` or, where that is None, with the bundled generator."""

    wrk: str | None
    cores: frozenset[int]

    @classmethod
    def choose(cls, wanted: str, cores: frozenset[int]) -> "Generator":
        """Return the generator for `auto`, `wrk` or `builtin`; raises `BenchError` when wrk is missing."""
        path = None if wanted == "builtin" else shutil.which("wrk")
        if wanted == "wrk" and path is None:
            raise BenchError("--load wrk: no wrk on PATH; install it or use --load builtin")
        return cls(path, cores)

    @property
    def name(self) -> str:
        """`wrk` or `builtin`."""
        return "wrk" if self.wrk else "builtin"

    def timed(self, url: str, *, connections: int, seconds: int, expect: Path) -> RunningLoad:
        """Start a closed loop for `seconds`; the bundled generator compares every body with `expect`."""
        if self.wrk is None:
            return self._builtin(url, connections, seconds, "--seconds", str(seconds), "--expect", str(expect))
        duration, count = f"-d{seconds}s", f"-c{connections}"
        command = [self.wrk, "-t1", count, duration, "--timeout", "15s", "--latency", "-H", f"Host: {HOST}", url]
        return RunningLoad(command, wrk=True, cores=self.cores, grace=seconds + 30)

    def probe(
        self, url: str, *, connections: int, seconds: int, interval: float, more: Sequence[str], seed: int = 0
    ) -> RunningLoad:
        """Start a light load that pauses `interval` seconds on average after each answer (never wrk: it cannot), and
        whose counts have every latency. `more` are options of `bench.load`; `seed` is that of the pauses."""
        pace = ("--seconds", str(seconds), "--interval", str(interval), "--seed", str(seed))
        return self._builtin(url, connections, seconds, *pace, *more, "--each")

    def counted(self, url: str, *, connections: int, requests: int, more: Sequence[str] = ()) -> RunningLoad:
        """Start a load of exactly `requests` (never wrk: it cannot). `more` are options of `bench.load`."""
        return self._builtin(url, connections, 150, "--requests", str(requests), *more)

    def posted(self, url: str, *, connections: int, seconds: int, more: Sequence[str]) -> RunningLoad:
        """Start a closed loop of what `more`, options of `bench.load`, say (never wrk: it cannot)."""
        return self._builtin(url, connections, seconds, "--seconds", str(seconds), *more)

    def _builtin(self, url: str, connections: int, seconds: int, *arguments: str) -> RunningLoad:
        count = ("--connections", str(connections))
        command = [sys.executable, "-m", "bench.load", url, *count, *arguments]
        return RunningLoad(command, wrk=False, cores=self.cores, grace=seconds + 30)


def parse_builtin(output: str) -> Counts:
    """Return the counts printed by `bench.load`; raises `BenchError` when it reports errors or nothing."""
    seen = json.loads(output)
    if seen["errors"]:
        raise BenchError("; ".join(f"{count} × {kind}" for kind, count in seen["errors"].items()))
    if not seen["requests"]:
        raise BenchError("not one response arrived in time")
    return Counts(
        requests=seen["requests"],
        total=seen["total"],
        seconds=seen["seconds"],
        p50=seen["p50"],
        p99=seen["p99"],
        busy=seen["generator_busy"],
        latencies=tuple(seen["latencies"]),
    )


_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def parse_wrk(output: str) -> Counts:
    """Return the counts printed by `wrk --latency`; raises `BenchError` when it reports errors or nothing."""
    problems = re.findall(r"^\s*(Non-2xx or 3xx responses: .*|Socket errors: .*)$", output, re.MULTILINE)
    if problems:
        raise BenchError(f"wrk: {'; '.join(problems)}")
    total = re.search(r"^\s*(\d+) requests in ", output, re.MULTILINE)
    rate = re.search(r"^Requests/sec:\s*([\d.]+)", output, re.MULTILINE)
    shares = {
        share: float(value) * _UNITS[unit]
        for share, value, unit in re.findall(r"^\s*(50|99)%\s+([\d.]+)(us|ms|s|m)\s*$", output, re.MULTILINE)
    }
    if total is not None and not int(total[1]):
        raise BenchError("not one response arrived in time")
    if total is None or rate is None or set(shares) != {"50", "99"}:
        raise BenchError(f"wrk printed what this harness cannot read:\n{output[-500:]}")
    requests = int(total[1])
    return Counts(requests, requests, requests / float(rate[1]), shares["50"], shares["99"])
