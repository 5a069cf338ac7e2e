"""The bundled load generator: keep-alive connections, each with one request in flight.

`python -m bench.load http://127.0.0.1:8000/json/ --connections 32 --seconds 5` prints JSON. It runs in a
process of its own. Every response's status is checked and, with `--expect`, every body: a server that
answers quickly and wrongly must not win.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.http import MalformedResponseError, parse
from bench.process import HOST

# Seconds after which an unanswered request is an error.
PATIENCE = 15.0
# Seconds within which a run with a fixed number of requests has to end.
QUOTA_SECONDS = 120.0


class Load:
    """What one run sends, and what it has counted so far."""

    def __init__(
        self,
        url: str,
        *,
        expect: bytes | None,
        interval: float,
        quota: int | None,
        bodies: Sequence[str] = (),
        headers: Sequence[str] = (),
        status: int = 200,
        seed: int = 0,
    ) -> None:
        parts = urlsplit(url)
        if parts.hostname is None or parts.port is None:
            raise ValueError(f"URL {url!r}; expected http://host:port/path")
        self.host, self.port = parts.hostname, parts.port
        target = f"{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}"
        head = "\r\n".join([f"Host: {HOST}", *headers])
        get = f"GET {target} HTTP/1.1\r\n{head}\r\n\r\n"
        posts = [f"POST {target} HTTP/1.1\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}" for body in bodies]
        self._requests = itertools.cycle([request.encode("ascii") for request in posts or [get]])
        self.status = status
        self.expect = expect
        self.interval = interval
        # Of random length, as people's are: pauses that are all alike fall into step with the server's own timers.
        self.pauses = random.Random(seed)  # noqa: S311 - the same for both sides, not a secret
        self.quota = quota
        self.deadline = float("inf")
        self.latencies = array("d")
        self.late = 0
        self.reconnects = 0
        self.errors: Counter[str] = Counter()
        self.idle = asyncio.Event()
        self.active = 0

    def pause(self) -> float:
        """How long a client waits before its next request, in seconds: exponential, at most ten times `interval`."""
        return min(self.pauses.expovariate(1 / self.interval), 10 * self.interval)

    def request(self) -> bytes:
        """The next request: the same GET, or the bodies in turn."""
        return next(self._requests)

    def may_send(self) -> bool:
        """Tell whether another request fits the time and the quota; takes it from the quota."""
        if self.quota is not None:
            self.quota -= 1
            return self.quota >= 0
        return time.perf_counter() < self.deadline

    def count(self, started: float, status: int, body: bytes) -> None:
        """Record one response that has arrived."""
        now = time.perf_counter()
        if status != self.status:
            self.errors[f"status {status}"] += 1
        elif self.expect is not None and body != self.expect:
            self.errors["wrong body"] += 1
        elif now <= self.deadline:
            self.latencies.append(now - started)
        else:
            self.late += 1

    def retire(self) -> None:
        """Note that one connection will send no more."""
        self.active -= 1
        if not self.active:
            self.idle.set()


class Connection(asyncio.Protocol):
    """One client: sends, waits for the whole answer, sends again."""

    __slots__ = ("_buffer", "_load", "_started", "_transport", "_waiting")

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._started = 0.0
        self._waiting = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self) -> None:
        """Send the next request, or retire."""
        if not self._load.may_send():
            self._transport.close()
            self._load.retire()
            return
        self._waiting = True
        self._started = time.perf_counter()
        self._transport.write(self._load.request())

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        try:
            response = parse(data) if self._waiting else None
        except (MalformedResponseError, ValueError) as error:
            self._fail(f"malformed response: {error}")
            return
        if response is None:
            self._buffer = data
            return
        self._buffer = b""
        self._waiting = False
        self._load.count(self._started, response.status, response.body)
        if not response.keep_alive:
            self._reconnect()
        elif self._load.interval:
            asyncio.get_running_loop().call_later(self._load.pause(), self.send)
        else:
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self._fail(f"connection lost: {type(exc).__name__ if exc else 'closed by the server'}")

    def _fail(self, kind: str) -> None:
        self._waiting = False
        self._load.errors[kind] += 1
        self._transport.close()
        self._load.retire()

    def _reconnect(self) -> None:
        self._load.reconnects += 1
        self._transport.close()
        task = asyncio.ensure_future(_connect(self._load))
        task.add_done_callback(lambda done: done.result().send())


async def _connect(load: Load) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(load), load.host, load.port)
    return connection


async def run(load: Load, connections: int, seconds: float, *, each: bool = False) -> dict[str, Any]:
    """Open the connections, load for `seconds` or until the quota is used, and return the counts.

    Rates and latencies (seconds) cover answers inside the window; `total` also counts those still in
    flight when it closed, which the server's CPU time has paid for. With `each`, all latencies are in it.
    """
    opened = [await _connect(load) for _ in range(connections)]
    load.active = connections
    started, cpu = time.perf_counter(), time.process_time()
    timed = load.quota is None
    if timed:
        load.deadline = started + seconds
    for connection in opened:
        connection.send()
    with suppress(TimeoutError):
        await asyncio.wait_for(load.idle.wait(), (seconds if timed else QUOTA_SECONDS) + PATIENCE)
    if load.active:
        load.errors[f"no answer within {PATIENCE:g} s"] += load.active
    elapsed = time.perf_counter() - started
    ordered = sorted(load.latencies)
    return {
        "requests": len(ordered),
        "total": len(ordered) + load.late,
        "seconds": seconds if timed else elapsed,
        "p50": percentile(ordered, 0.50),
        "p99": percentile(ordered, 0.99),
        "reconnects": load.reconnects,
        "errors": dict(load.errors),
        "generator_busy": (time.process_time() - cpu) / elapsed,
        "latencies": ordered if each else [],
    }


def percentile(ordered: list[float], fraction: float) -> float:
    """Return the value at `fraction` (nearest rank) of an ordered list; 0.0 for an empty one."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] if ordered else 0.0


def main() -> None:
    """Run one load as the arguments say and print its counts as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--requests", type=int, help="send exactly this many instead of for a time")
    parser.add_argument("--interval", type=float, default=0.0, help="seconds each client pauses on average")
    parser.add_argument("--expect", type=Path, help="a file with the exact body of every response")
    parser.add_argument("--bodies", type=Path, help="a file with a list of bodies, in JSON, to POST in turn")
    parser.add_argument("--header", action="append", default=[], help="a line to send")
    parser.add_argument("--status", type=int, default=200, help="the status of every response")
    parser.add_argument("--seed", type=int, default=0, help="of the pauses, which are random")
    parser.add_argument("--each", action="store_true", help="print every latency too")
    options = parser.parse_args()
    bodies = json.loads(options.bodies.read_text()) if options.bodies else ()
    expect = options.expect.read_bytes() if options.expect else None

    async def session() -> dict[str, Any]:
        load = Load(
            options.url,
            expect=expect,
            interval=options.interval,
            quota=options.requests,
            bodies=bodies,
            headers=options.header,
            status=options.status,
            seed=options.seed,
        )
        return await run(load, options.connections, options.seconds, each=options.each)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        json.dump(runner.run(session()), sys.stdout)
    print()


def _loop_factory() -> Any:
    """Return uvloop's loop where it is installed: a slow generator would flatter a slow server."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
