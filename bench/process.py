"""Processes: where they run, what they cost, and that none of them is left behind."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
HOST = "localhost"  # what every request is for, so that links in answers are the same on every port
START_SECONDS = 30.0
STOP_SECONDS = 5.0
_PROC = Path("/proc")


class BenchError(Exception):
    """A run that cannot be trusted or could not be made; the message says what happened and to whom."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The cores of the servers and of the load; empty sets leave both to the scheduler."""

    server: frozenset[int] = frozenset()
    load: frozenset[int] = frozenset()

    @classmethod
    def detect(cls) -> "Placement":
        """Give the servers the first core this process may use and the load the second, if there are two."""
        if not hasattr(os, "sched_getaffinity"):
            return cls()
        cores = sorted(os.sched_getaffinity(0))
        return cls(frozenset(cores[:1]), frozenset(cores[1:2])) if len(cores) >= 2 else cls()

    def __str__(self) -> str:
        if not self.server:
            return "not pinned"
        return f"server on core {min(self.server)}, load on core {min(self.load)}"


@contextlib.contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Move this process to `cores` for the block, so that what it starts there inherits them."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def core_seconds(cores: frozenset[int]) -> float | None:
    """Return the time `cores` have worked for anybody, or were withheld by a hypervisor, since the start.

    None without cores or without /proc. Interrupts count: the kernel charges them to whom they interrupt.
    """
    try:
        lines = (_PROC / "stat").read_text().splitlines()
    except OSError:
        return None
    names = {f"cpu{core}" for core in cores}
    # user, nice, system, irq, softirq and steal: columns 1–3 and 6–8 of proc_stat(5).
    ticks = [
        sum(int(fields[at]) for at in (1, 2, 3, 6, 7, 8)) for line in lines if (fields := line.split())[0] in names
    ]
    return sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else None


def free_port() -> int:
    """Return a loopback port that the operating system says is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A started server process and its children. Use as a context manager: leaving it stops them all."""

    def __init__(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, cores: frozenset[int]
    ) -> None:
        self.name = name
        self.port = free_port()
        self._log = log
        with on_cores(cores), log.open("wb") as output:
            self._process = subprocess.Popen(
                [part.replace("{port}", str(self.port)) for part in command],
                cwd=ROOT,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server {self.name} pid={self._process.pid} port={self.port}>"

    @property
    def pid(self) -> int:
        """The process that was started; a pre-forking server's master."""
        return self._process.pid

    def url(self, path: str) -> str:
        """Return the URL of `path` on this server."""
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str) -> tuple[int, bytes]:
        """Return the status and body of one GET; raises `OSError` when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": HOST})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def wait_ready(self, path: str) -> None:
        """Return once `path` answers 200; raises `BenchError` with the end of the log when it does not."""
        until = time.monotonic() + START_SECONDS
        last = "it does not listen"
        while time.monotonic() < until:
            if (code := self._process.poll()) is not None:
                raise BenchError(f"{self.name} exited with code {code} at start:\n{self.log_tail()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, _ = self.get(path)
                if status == 200:
                    return
                last = f"GET {path} answers {status}, expected 200"
            time.sleep(0.05)
        raise BenchError(f"{self.name} is not ready after {START_SECONDS:g} s, {last}:\n{self.log_tail()}")

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of what the server printed."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def end(self, seconds: float) -> int | None:
        """Ask the process to end and return its status; None when it runs still after `seconds`."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def stop(self) -> None:
        """End the process and its children, politely first; safe to call twice."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        # The group outlives its leader when a master died without its workers.
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def tree(self) -> list[int]:
        """Return the ids of the process and all its descendants; empty where there is no /proc."""
        children: dict[int, list[int]] = {}
        for entry in _PROC.glob("[0-9]*"):
            if fields := _stat(int(entry.name)):
                children.setdefault(int(fields[1]), []).append(int(entry.name))
        found = [self.pid] if _stat(self.pid) else []
        for pid in found:
            found.extend(children.get(pid, ()))
        return found

    def cpu_seconds(self) -> float | None:
        """Return the CPU time, user and system, of the whole tree so far; None where there is no /proc."""
        pids = self.tree()
        if not pids:
            return None
        # utime, stime, and the same of children already waited for: fields 14–17 of proc(5).
        ticks = sum(int(field) for pid in pids for field in _stat(pid)[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> "Memory":
        """Return the resident memory; raises `BenchError` where /proc has no `smaps_rollup`."""
        rollups = [rollup for pid in self.tree() if (rollup := _smaps(pid))]
        if not rollups:
            raise BenchError("resident memory needs Linux and a readable /proc/<pid>/smaps_rollup")
        return Memory(pss=sum(one["Pss"] for one in rollups), rss=max(one["Rss"] for one in rollups))


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: the tree's proportional share, and the resident size of its largest (serving) process."""

    pss: int
    rss: int


def threads_of(pid: int) -> int:
    """Return how many threads a process has; raises `OSError` when it is gone."""
    return sum(1 for _ in (_PROC / str(pid) / "task").iterdir())


def descriptors(pid: int) -> int:
    """Return how many files and sockets a process has open; raises `OSError` when it is gone."""
    return sum(1 for _ in (_PROC / str(pid) / "fd").iterdir())


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat after the command name: state, parent, …; empty if gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _smaps(pid: int) -> dict[str, int]:
    """Return the sizes in /proc/<pid>/smaps_rollup in bytes; empty if it is gone or not readable."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return {}
    return {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
