"""A soak: the gateway under callers and faults for some minutes, and whether anything was lost or leaked.

    python -m bench --soak 10          # minutes; 10 where none are given
    make soak

It needs PostgreSQL, as the tests do. Two workers serve a project and a service on a free port of 127.0.0.1; a few
callers read, write in every way, hold streams and sockets open. Meanwhile, for the first two thirds of the time,
workers are killed and asked to end, gateway.toml is broken and mended, SIGHUP reloads, and the database goes away. In
the last third no process is replaced, so that what grows can be seen. In the end SIGTERM comes, under load.

A request fails when its connection breaks or its status is not 200. That is excused where its worker was killed at that
moment, or the database was away; nothing else is. Rows must be what callers were told.

The exit code is 1 when something failed.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.process import ROOT, Server, descriptors, threads_of

WORKERS = 2
CALLERS = 4
PACE = 0.02  # seconds between two requests of a caller
PATIENCE = 60.0
KILLED = (-0.2, 1.0)  # seconds around a kill in which connections break
AWAY = (-0.2, 3.0)  # seconds around the time without database in which it is noticed
ABSENCE = 1.5
READS = ("/legacy/read/", "/moved/read/")
WRITES = ("/legacy/write/", "/moved/write/", "/moved/dependency/", "/moved/later/", "/moved/stream/")
TOML = """
[legacy]
settings = "bench.soaked.settings"
threads = 8

[services.moved]
app = "bench.soaked.service:app"

[[routes]]
name = "moved"
prefix = "/moved"
service = "moved"
fallback = false
"""


@dataclass(slots=True)
class Failure:
    """A request that went wrong."""

    what: str
    began: float
    ended: float


@dataclass(slots=True)
class Tally:
    """What all callers saw. Lists and counters are only added to."""

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    written: dict[str, float] = field(default_factory=dict)  # key to when it was answered
    unknown: set[str] = field(default_factory=set)  # keys of writes that were not answered with 200
    late: set[str] = field(default_factory=set)  # keys that are written after the answer
    cut: Counter[str] = field(default_factory=Counter)  # streams and sockets that were ended
    over: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Sample:
    """What the processes hold at one moment."""

    at: float
    pids: frozenset[int]
    memory: int  # bytes, of all
    first_memory: int  # bytes, of the process that was started
    threads: int
    descriptors: int
    connections: int


@dataclass(slots=True)
class Soak:
    """One run."""

    server: Server
    config: Path
    database: Database
    tally: Tally = field(default_factory=Tally)
    faults: list[tuple[str, float, float]] = field(default_factory=list)  # what, from, to
    samples: list[Sample] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    # -- faults -----------------------------------------------------------------------------------

    def workers(self) -> list[int]:
        """The processes that serve."""
        return [pid for pid in self.server.tree()[1:] if "resource_tracker" not in _command(pid)]

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        self._signal_one(signal.SIGKILL, "killed")

    def end(self) -> None:
        """As an operator may."""
        self._signal_one(signal.SIGTERM, "ended")

    def reload(self) -> None:
        """As after a deployment."""
        os.kill(self.server.pid, signal.SIGHUP)
        self._note("reload")

    def reload_broken(self) -> None:
        """As after one that went wrong."""
        self.config.write_text(TOML + "\n[nonsense]\n")
        self.reload()
        time.sleep(4)
        self.config.write_text(TOML)

    def kill_while_broken(self) -> None:
        """A worker can't come back until somebody mends the file."""
        self.config.write_text(TOML + "\n[nonsense]\n")
        self.kill()
        time.sleep(4)
        self.config.write_text(TOML)

    def without_database(self) -> None:
        """It ends all connections, and takes none for a moment."""
        began = time.monotonic()
        with self.database.away():
            time.sleep(ABSENCE)
        self.faults.append(("away", began, time.monotonic()))

    def _signal_one(self, number: int, what: str) -> None:
        if workers := self.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(workers), number)  # noqa: S311 - no secret
            self._note(what)

    def _note(self, what: str) -> None:
        self.faults.append((what, time.monotonic(), time.monotonic()))

    # -- the run ----------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let callers, faults and samples go on for so long, and stop the server under load."""
        began = time.monotonic()
        jobs: list[Callable[[], None]] = [lambda: self._call(self.server.port)] * CALLERS
        jobs += [self._hold_stream, self._hold_socket, self._sample]
        threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        pause = min(10.0, seconds / 9)
        replacing = itertools.cycle(
            [self.kill, self.reload, self.without_database, self.kill_while_broken, self.reload_broken, self.end]
        )
        while time.monotonic() - began < seconds * 2 / 3:
            time.sleep(pause)
            next(replacing)()
        while time.monotonic() - began < seconds:
            time.sleep(pause)
            self.without_database()
        time.sleep(AWAY[1])
        self.ending.set()
        self.faults.append(("stop", time.monotonic(), float("inf")))
        status = self.server.end(PATIENCE)
        self.tally.over.set()
        for thread in threads:
            thread.join(PATIENCE)
        if status != 0:
            self.tally.failures.append(Failure(f"the server ended with status {status}", began, time.monotonic()))

    def _call(self, port: int) -> None:
        """Ask this and that, on a kept connection or on one of its own."""
        turns = itertools.cycle([*READS, *WRITES])
        connection: http.client.HTTPConnection | None = None
        while not self.tally.over.is_set():
            path, key = next(turns), uuid.uuid4().hex
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            if not self._ask(connection, path, key) or random.random() < 0.3:  # noqa: S311 - no secret
                connection.close()
                connection = None
            time.sleep(PACE)
        if connection is not None:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, path: str, key: str) -> bool:
        """Ask once. Whether the connection can be kept."""
        tally, began, writes = self.tally, time.monotonic(), path in WRITES
        try:
            connection.request(
                "POST" if writes else "GET", path + (f"{key}/" if writes else ""), headers={"Host": "localhost"}
            )
            response = connection.getresponse()
            body = response.read()
        except ConnectionRefusedError as error:
            tally.failures.append(Failure(repr(error), began, time.monotonic()))
            time.sleep(0.2)
            return False
        except (OSError, http.client.HTTPException) as error:
            if writes:
                tally.unknown.add(key)
            tally.failures.append(Failure(f"{path}: {error!r}", began, time.monotonic()))
            return False
        if response.status != 200:
            if writes:
                tally.unknown.add(key)
            tally.failures.append(Failure(f"{path}: {response.status} {body[:80]!r}", began, time.monotonic()))
        elif writes and json.loads(body) != {"key": key}:
            tally.failures.append(Failure(f"{path}: a wrong answer {body[:80]!r}", began, float("inf")))
        else:
            tally.answers[path] += 1
            if writes:
                (tally.late.add if path == "/moved/later/" else _nothing)(key)
                tally.written[key] = time.monotonic()
        return not response.will_close

    def _hold_stream(self) -> None:
        while not self.tally.over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("GET", "/moved/events/", headers={"Host": "localhost"})
                with connection.getresponse() as response:
                    while response.readline() and not self.tally.over.is_set():
                        pass
            self.tally.cut["stream"] += 1
            time.sleep(0.2)

    def _hold_socket(self) -> None:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        while not self.tally.over.is_set():
            url = f"ws://127.0.0.1:{self.server.port}/moved/socket/"
            with contextlib.suppress(OSError, WebSocketException, EOFError), connect(url) as socket:
                while not self.tally.over.is_set():
                    socket.send("here")
                    socket.recv(timeout=PATIENCE)
                    time.sleep(0.5)
            self.tally.cut["socket"] += 1
            time.sleep(0.2)

    def _sample(self) -> None:
        while not self.ending.is_set():
            pids = self.server.tree()
            with contextlib.suppress(Exception):  # a process has ended meanwhile
                self.samples.append(
                    Sample(
                        time.monotonic(),
                        frozenset(pids),
                        sum(_resident(pid) for pid in pids),
                        _resident(self.server.pid),
                        sum(map(threads_of, pids)),
                        sum(map(descriptors, pids)),
                        self.database.connections(),
                    )
                )
            time.sleep(1)

    # -- the result -------------------------------------------------------------------------------

    def unexcused(self) -> list[str]:
        """What went wrong without a reason."""
        return [failure.what for failure in self.tally.failures if not self._excuse(failure)]

    def excused(self) -> Counter[str]:
        """How often each reason holds."""
        reasons = (self._excuse(failure) for failure in self.tally.failures)
        return Counter(reason for reason in reasons if reason)

    def _excuse(self, failure: Failure) -> str | None:
        margins = {"killed": KILLED, "away": AWAY, "stop": (0.0, 0.0)}
        for what, begins, ends in self.faults:
            if what not in margins or (what == "stop" and "ConnectionRefused" not in failure.what):
                continue  # who comes after the server has stopped listening is refused; nothing else is excused then
            before, after = margins[what]
            if failure.ended >= begins + before and failure.began <= ends + after:
                return what
        return None

    def wrong_rows(self) -> list[str]:
        """Where the rows are not what callers were told."""
        rows, tally = self.database.rows(), self.tally
        doubtful = {
            key
            for key in tally.late
            if self._excuse(Failure("", tally.written[key], tally.written[key] + 1.0)) in ("killed", "away")
        }
        missing = tally.written.keys() - rows - doubtful
        stray = rows - tally.written.keys() - tally.unknown
        return [f"{len(missing)} rows are missing"] * bool(missing) + [f"{len(stray)} rows nobody wrote"] * bool(stray)

    def slopes(self) -> dict[str, float]:
        """How much there is more of each minute, while no process was replaced."""
        if not self.samples:
            return {}
        calm = [sample for sample in self.samples if sample.pids == self.samples[-1].pids]
        calm = calm[len(calm) // 3 :]  # at first threads, and their connections, are still made, on demand
        values: dict[str, Callable[[Sample], float]] = {
            "memory of all, MiB": lambda sample: sample.memory / 2**20,
            "threads": lambda sample: sample.threads,
            "descriptors": lambda sample: sample.descriptors,
            "connections to the database": lambda sample: sample.connections,
        }
        found = {name: _slope(calm, value) for name, value in values.items()}
        found["memory of the supervisor, whole time, MiB"] = _slope(
            self.samples, lambda sample: sample.first_memory / 2**20
        )
        return found

    def report(self) -> tuple[str, bool]:
        """The result as text, and whether all is well."""
        tally, bad = self.tally, [*Counter(self.unexcused()).most_common(10)]
        wrong = self.wrong_rows()
        last = self.samples[-1] if self.samples else None
        rows = self.database.rows()
        came = len(rows & tally.unknown)
        lost = len(tally.written.keys() - rows)
        lines = [
            f"requests         {sum(tally.answers.values())} answered with 200: {dict(tally.answers)}",
            f"failures         {sum(count for _, count in bad)}",
            *(f"    {count} x {what}" for what, count in bad),
            f"excused          {dict(self.excused())} (worker killed, database away, port closed in the end)",
            f"rows             {len(rows)} = {len(tally.written)} answered with 200 - {lost} + {came}",
            f"    - {lost} to be written after the answer, whose worker was killed or whose database was away",
            f"    + {came} of {len(tally.unknown)} whose answer was lost or was not 200",
            *(f"    {line}" for line in wrong),
            f"faults           {dict(Counter(what for what, _, _ in self.faults))}",
            f"reconnected      {dict(tally.cut)}",
            *(f"per minute       {slope:+.2f} {name}" for name, slope in self.slopes().items()),
        ]
        if last is not None:
            lines.append(
                f"in the end       {len(last.pids)} processes, {last.memory / 2**20:.0f} MiB, {last.threads} threads, "
                f"{last.descriptors} descriptors, {last.connections} connections"
            )
        return "\n".join(lines), not bad and not wrong


class Database:
    """A PostgreSQL database of the soak's own, made anew."""

    def __init__(self, name: str) -> None:
        import psycopg

        self.name = name
        self._place = {
            "host": os.environ.get("TEST_POSTGRES_HOST", "localhost"),
            "port": os.environ.get("TEST_POSTGRES_PORT", "5432"),
            "user": os.environ.get("TEST_POSTGRES_USER", "postgres"),
        }
        self._lock = threading.Lock()
        self._admin = psycopg.connect(dbname="postgres", autocommit=True, **self._place)
        self._ask(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._ask(f'CREATE DATABASE "{name}"')

    def close(self) -> None:
        """Drop it."""
        self._ask(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
        self._admin.close()

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """It takes nobody, and throws out who is there."""
        self._ask(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS false')
        try:
            self._ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", self.name)
            yield
        finally:
            self._ask(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS true')

    def connections(self) -> int:
        """How many there are."""
        return len(self._ask("SELECT pid FROM pg_stat_activity WHERE datname = %s", self.name))

    def rows(self) -> set[str]:
        """The keys of what was written."""
        import psycopg

        with psycopg.connect(dbname=self.name, **self._place) as connection:
            return {row[0] for row in connection.execute("SELECT key FROM soaked_note")}

    def _ask(self, query: str, *values: str) -> list[tuple[object, ...]]:
        with self._lock:
            cursor = self._admin.execute(query, values)
            return cursor.fetchall() if cursor.description else []


def _slope(samples: list[Sample], value: Callable[[Sample], float]) -> float:
    if len(samples) < 2:
        return 0.0
    return 60 * statistics.linear_regression([sample.at for sample in samples], [*map(value, samples)]).slope


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def _nothing(_: object) -> None:
    pass


def soak(seconds: float) -> tuple[str, bool]:
    """Soak for so long; returns the report, and whether all is well."""
    with tempfile.TemporaryDirectory(prefix="gateway-soak-") as workspace:
        config = Path(workspace, "gateway.toml")
        config.write_text(TOML)
        name = f"gateway_soak_{os.getpid()}"
        with contextlib.closing(Database(name)) as database:
            environment = {
                "SOAK_DATABASE": name,
                "PYTHONPATH": str(ROOT),
                "DJANGO_SETTINGS_MODULE": "bench.soaked.settings",
                "BENCH_SECRET_KEY": "soak",
            }
            command = [
                str(Path(sys.executable).with_name("gateway")),
                "serve",
                "--config",
                str(config),
                "--port",
                "{port}",
            ]
            command += ["--workers", str(WORKERS), "--no-access-log", "--timeout-graceful-shutdown", "5"]
            log = Path(workspace, "log")
            _migrate(environment)
            with Server("soak", command, env=environment, log=log, cores=frozenset()) as server:
                server.wait_ready("/moved/read/")
                run = Soak(server, config, database)
                run.run(seconds)
                report, well = run.report()
                return (report if well else f"{report}\n\n{server.log_tail(40)}"), well


def _migrate(environment: dict[str, str]) -> None:
    import subprocess

    command = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    subprocess.run(command, env={**os.environ, **environment}, cwd=ROOT, check=True)
