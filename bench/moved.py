"""The rows about endpoints of the demo shop that have moved, against the DRF views they replace."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.generator import Counts
from bench.measure import Bench, Sample, Target
from bench.peers import SHOP_GATEWAY, SHOP_GUNICORN
from bench.process import ROOT, BenchError, Server
from bench.rates import RateRow
from bench.result import Goal, Result, Side
from bench.shop import ENVIRONMENT

LIST = "/api/products/?page_size=20"
ORDERS = "/api/orders/"
# What the gateway's pools come to with 40 threads: views, services, middleware.
MOST_CONNECTIONS = 40 + 20 + 10


def _shop(verb: str) -> dict[str, Any]:
    """Run `python -m bench.shop`; raises `BenchError` when it fails, as it does without PostgreSQL."""
    env = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench.shop", verb]
    done = subprocess.run(command, cwd=ROOT, env=env, text=True, capture_output=True, timeout=180, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:]
        raise BenchError(f"the shop needs PostgreSQL, at BENCH_POSTGRES: {' '.join(said)}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@dataclass(frozen=True, slots=True)
class MovedListRow:
    """Requests per second for a page of products, byte for byte the same on both sides."""

    name: str
    title: str
    goal: Goal | None = None

    def run(self, bench: Bench) -> Result:
        """Raises `BenchError` without PostgreSQL, or when the two sides answer differently."""
        _shop("create")
        sides = (Target(SHOP_GATEWAY, LIST), Target(SHOP_GUNICORN, LIST))
        return RateRow(self.name, self.title, *sides, self.goal).run(bench)


@dataclass(frozen=True, slots=True)
class MovedOrderRow:
    """Orders per second, each a transaction that locks and counts down stock, by token."""

    name: str
    title: str
    goal: Goal | None = None
    connections: int = 32

    def run(self, bench: Bench) -> Result:
        """Alternate the sides; raises `BenchError` when one order is not a 201."""
        options = _order_options(bench, _shop("create"))
        peers = (SHOP_GATEWAY, SHOP_GUNICORN)
        samples: dict[str, list[Sample]] = {peer.name: [] for peer in peers}
        with bench.serving(*peers) as servers:
            for number in range(-1, bench.rounds):  # the first is to warm up
                for peer in peers:
                    sample = self._sample(bench, servers[peer.name], options)
                    if number >= 0:
                        samples[peer.name].append(sample)
                        bench.say(f"    round {number + 1}: {peer.title}: {sample.rate:,.0f} orders/s")
        ours, theirs = (
            Side(peer.title, tuple(sample.rate for sample in samples[peer.name]), tuple(samples[peer.name]))
            for peer in peers
        )
        return Result(self.name, self.title, "/s", self.goal, ours, theirs)

    def _sample(self, bench: Bench, server: Server, options: list[str]) -> Sample:
        before = server.cpu_seconds()
        url = server.url(ORDERS)
        with bench.generator.posted(url, connections=self.connections, seconds=bench.seconds, more=options) as load:
            counts = load.result()
        after = server.cpu_seconds()
        bench.drain(server)
        cpu = None if before is None or after is None else (after - before) / counts.total * 1000
        return Sample(counts.rate, counts.p50, counts.p99, counts.total, cpu, counts.busy)


@dataclass(frozen=True, slots=True)
class ConnectionsRow:
    """PostgreSQL's count of the gateway's connections after much at once, and whether every 201 is a row."""

    name: str
    title: str
    goal: Goal | None = None

    def run(self, bench: Bench) -> Result:
        """Raises `BenchError` when orders and successes differ."""
        options = _order_options(bench, _shop("create"))
        before = _shop("count")["orders"]
        with bench.serving(SHOP_GATEWAY) as servers:
            server = servers[SHOP_GATEWAY.name]
            orders, _ = _at_once(bench, server, options)
            found = _shop("count")
        if found["orders"] - before != orders.total:
            raise BenchError(f"{orders.total} orders were answered 201, but {found['orders'] - before} are there")
        note = f"{orders.total} orders answered 201, as many rows"
        ours = Side(SHOP_GATEWAY.title, (float(found["connections"]),))
        theirs = Side("its threads", (float(MOST_CONNECTIONS),))
        return Result(self.name, self.title, "", self.goal, ours, theirs, note)


def _at_once(bench: Bench, server: Server, options: list[str]) -> tuple[Counts, Counts]:
    half = {"connections": 100, "requests": 500}
    with (
        bench.generator.counted(server.url(ORDERS), **half, more=options) as orders,
        bench.generator.counted(server.url(LIST), **half) as lists,
    ):
        return orders.result(), lists.result()


@contextmanager
def mirrored_orders(bench: Bench) -> Iterator[list[str]]:
    """What `bench.load` needs to order, for a block of which one side mirrors each order.

    A mirror that was rolled back has drawn a number for its order all the same. Raises `BenchError` at the end unless
    nearly every other order had a mirror that was.
    """
    options = _order_options(bench, _shop("create"))
    before = _shop("count")
    yield options
    after = _shop("count")
    rows, drawn = (after[name] - before[name] for name in ("orders", "drawn"))
    if not 1.4 * rows < drawn <= 1.6 * rows:  # half of the orders are mirrored
        raise BenchError(f"{rows} orders were made and {drawn} numbers drawn for them: not each was mirrored")


def _order_options(bench: Bench, shop: dict[str, Any]) -> list[str]:
    """What `bench.load` needs to order one piece of each product in turn."""
    bodies: Path = bench.workspace / "orders.json"
    orders = [{"address": "1 Bench Road", "lines": [{"product": pk, "quantity": 1}]} for pk in shop["products"]]
    bodies.write_text(json.dumps([json.dumps(order) for order in orders]))
    headers = ["Content-Type: application/json", f"Authorization: Token {shop['token']}"]
    return ["--bodies", str(bodies), "--status", "201", *(part for line in headers for part in ("--header", line))]
