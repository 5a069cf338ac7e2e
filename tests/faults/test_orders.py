"""Ten thousand orders, while their route is promoted and rolled back ten times: none is lost, none is there twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.conftest import project_toml
from tests.project import settings as project_settings
from tests.project.orders import TABLE
from tests.support.operator import Operator
from tests.support.postgres import Postgres, postgres_database
from tests.support.server import PATIENCE, Server, eventually

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.proof, pytest.mark.timeout(300)]

ORDERS = 10_000
CLIENTS = 48
WORKERS = 4
ON_ONE_CONNECTION = 50  # orders, so that a client meets more than one worker
TOML = """
[services.orders]
app = "tests.project.orders:app"
breaker = false

[rollout]
poll = 0.05

[[routes]]
name = "orders"
prefix = "/orders"
service = "orders"
stage = "legacy"
key = "none"
guard = false
fallback = { unsafe = true }
"""
MOVES = [
    ("promote", {"to": "live"}),
    ("rollback", {}),
    ("promote", {"to": "canary", "weight": 50}),
    ("promote", {"to": "live"}),
    ("rollback", {"to": "canary", "weight": 20}),
    ("rollback", {"to": "shadow"}),
    ("promote", {"to": "live"}),
    ("rollback", {}),
    ("promote", {"to": "canary", "weight": 50}),
    ("rollback", {}),
]


@dataclass
class Seen:
    """What clients saw: the side that confirmed each key, and the keys that got an error."""

    confirmed: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def answered(self) -> int:
        return len(self.confirmed) + len(self.refused)


@pytest.fixture(scope="module")
def ledger() -> Iterator[Postgres]:
    with postgres_database() as ledger:
        ledger.execute(TABLE)
        yield ledger


def path(number: int) -> tuple[str, str]:
    """The path and the key of an order: one in ten fails in the service when all is undone, one in twenty otherwise."""
    kind = "marked" if number % 2 else "plain"
    fault = "undone" if number % 10 == 1 else "lost" if number % 20 == 2 else "fine"
    key = f"{fault}-{number}"
    return f"/orders/{kind}/{key}/", key


async def place(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, seen: Seen) -> None:
    """Place one order, and note what is said of it."""
    target, key = path(number)
    writer.write(f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    await reader.readexactly(int(lines["content-length"]))
    if head.startswith("http/1.1 201"):
        seen.confirmed[key] = lines["x-served-by"]
    else:
        seen.refused.add(key)
    seen.news.set()


async def client(port: int, numbers: Iterator[int], seen: Seen) -> None:
    """Place orders, one after the other, as long as there are any."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(ON_ONE_CONNECTION):
            number = next(numbers, None)
            if number is None:
                writer.close()
                return
            async with asyncio.timeout(PATIENCE):
                await place(reader, writer, number, seen)
        writer.close()


async def move(operate: Operator, seen: Seen) -> None:
    """Make a move whenever another eleventh of the orders was answered."""
    for count, (verb, more) in enumerate(MOVES, 1):
        while seen.answered < ORDERS * count / (len(MOVES) + 1):
            await seen.news.wait()
            seen.news.clear()
        await asyncio.to_thread(operate, verb, "orders", **more)


async def ten_thousand_orders(port: int, operate: Operator) -> Seen:
    """Orders from all clients, and all moves meanwhile."""
    seen, numbers = Seen(), iter(range(ORDERS))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(move(operate, seen))
        for _ in range(CLIENTS):
            tasks.create_task(client(port, numbers, seen))
    return seen


@pytest.fixture(scope="module")
def seen(serve: Callable[..., Server], ledger: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What clients of four workers saw of ten thousand orders and ten moves."""
    installed = [*project_settings.INSTALLED_APPS, "gateway.control"]
    settings = ledger.settings(CONN_MAX_AGE=None) | {"INSTALLED_APPS": installed}
    config = tmp_path_factory.mktemp("operator") / "gateway.toml"
    config.write_text(project_toml(TOML, threads=4))
    with Operator(config, settings) as operate:
        assert operate("migrate") == "migrated"
        with serve(config.read_text(), "--workers", str(WORKERS), settings=settings) as server:
            assert eventually(lambda: server.log.count("Application startup complete") == WORKERS), server.log
            return asyncio.run(ten_thousand_orders(server.port, operate))


def written(ledger: Postgres) -> Counter[str]:
    return Counter(ledger.select("SELECT key FROM orders"))


def test_every_order_was_answered(seen):
    assert seen.answered == ORDERS
    assert not seen.confirmed.keys() & seen.refused


def test_every_confirmed_order_is_there_exactly_once(seen, ledger):
    orders = written(ledger)
    assert [key for key in seen.confirmed if orders[key] != 1] == []


def test_no_refused_order_is_there(seen, ledger):
    orders = written(ledger)
    assert [key for key in seen.refused if orders[key]] == []
    assert {key.partition("-")[0] for key in seen.refused} == {"lost"}


def test_there_are_as_many_orders_as_were_confirmed(seen, ledger):
    assert written(ledger).total() == len(seen.confirmed)


def test_who_is_said_to_have_served_an_order_wrote_it(seen, ledger):
    pairs = {row.split()[0]: row.split()[1] for row in ledger.select("SELECT key || ' ' || side FROM orders")}
    said = {key: "service" if side == "orders" else side for key, side in seen.confirmed.items()}
    assert said == pairs


def test_legacy_placed_what_the_service_had_undone(seen):
    sides = Counter(side for key, side in seen.confirmed.items() if key.startswith("undone"))
    assert (sides["legacy"], sides["orders"]) == (ORDERS // 10, 0)


def test_both_sides_and_all_workers_took_part(seen, ledger):
    sides = Counter(seen.confirmed.values())
    assert min(sides["legacy"], sides["orders"]) > ORDERS / 10
    assert len(seen.refused) > ORDERS / 100
    workers = Counter(ledger.select("SELECT pid FROM orders"))
    assert len(workers) == WORKERS
    assert min(workers.values()) > ORDERS / 100
