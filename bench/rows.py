"""The table: what is compared with what, and which ratio is to be reached."""

from typing import Protocol

from bench import peers
from bench.costs import CostRow
from bench.deciding import DecideRow
from bench.matching import MatchRow
from bench.measure import Bench, Target
from bench.memory import MemoryRow
from bench.moved import ORDERS, ConnectionsRow, MovedListRow, MovedOrderRow, mirrored_orders
from bench.parallel import ParallelRow
from bench.rates import LimitRow, RateRow
from bench.result import Goal, Result
from bench.rollback import RollbackRow
from bench.tail import TailRow
from bench.unsaturated import UnsaturatedRow


class Row(Protocol):
    """One line of the table, and how to measure it."""

    @property
    def name(self) -> str:
        """What `--only` takes."""

    @property
    def title(self) -> str:
        """What the table says."""

    @property
    def goal(self) -> Goal | None:
        """What is to be reached; None for a row that only informs."""

    def run(self, bench: Bench) -> Result:
        """Measure; raises `BenchError` when a side fails or answers wrongly."""


ROWS: tuple[Row, ...] = (
    RateRow(
        "json-django-asgi",
        "legacy JSON view: gateway / Django's ASGI handler",
        Target(peers.GATEWAY, "/json/"),
        Target(peers.DJANGO_ASGI, "/json/"),
        Goal(at_least=9),
    ),
    RateRow(
        "orm-django-asgi",
        "legacy ORM view, persistent connections: gateway / Django's ASGI handler",
        Target(peers.GATEWAY, "/orm/"),
        Target(peers.DJANGO_ASGI, "/orm/"),
        Goal(at_least=6),
    ),
    RateRow(
        "json-gunicorn",
        "legacy JSON view: gateway / gunicorn gthread, same threads",
        Target(peers.GATEWAY, "/json/"),
        Target(peers.GUNICORN, "/json/"),
        Goal(at_least=1.5),
    ),
    LimitRow(
        "json-limit",
        "legacy JSON view: gateway / limit",
        Target(peers.GATEWAY, "/json/"),
        Goal(at_least=0.85),
    ),
    RateRow(
        "wait-django-asgi",
        "legacy view waiting 20 ms, 64 connections: gateway / Django's ASGI handler",
        Target(peers.GATEWAY, "/wait/"),
        Target(peers.DJANGO_ASGI, "/wait/"),
        Goal(at_least=3.5),
        connections=64,
    ),
    RateRow(
        "fastapi",
        "FastAPI endpoint without Django middleware: gateway / bare uvicorn",
        Target(peers.GATEWAY_SERVICE, "/fast/json"),
        Target(peers.FASTAPI, "/fast/json"),
        Goal(at_least=0.97),
    ),
    RateRow(
        "bridged",
        "FastAPI endpoint inside Django's default middleware / the same without",
        Target(peers.GATEWAY_BRIDGED, "/fast/json"),
        Target(peers.GATEWAY_SERVICE, "/fast/json"),
        Goal(at_least=0.4),
    ),
    MovedListRow(
        "moved-list",
        "moved product list, 20 products, PostgreSQL: gateway / the DRF view under gunicorn gthread",
        Goal(at_least=2.5),
    ),
    MovedOrderRow(
        "moved-order",
        "moved order creation, PostgreSQL: gateway / the DRF view under gunicorn gthread",
        Goal(at_least=1.5),
    ),
    ParallelRow(
        "async-orm",
        "ten concurrent 0.2 s async-ORM endpoints: gateway / bare uvicorn",
        Goal(at_most=1.0, value_below=0.5),
    ),
    ConnectionsRow(
        "connections",
        "open connections after 1,000 concurrent orders and lists: gateway / its threads",
        Goal(at_most=1.0),
    ),
    MatchRow("match", "match: 10,000 routes / 10 routes", Goal(at_most=1.2, value_below=2.0)),
    RateRow(
        "quotes",
        "supplier quotes, 64 connections: service / legacy view",
        Target(peers.GATEWAY_SERVICE, "/svc/quotes/SKU-00042/", "service through the gateway"),
        Target(peers.GATEWAY_SERVICE, "/quotes/SKU-00042/", "legacy through the gateway"),
        Goal(at_least=5),
        connections=64,
        at_least=12,  # one request of legacy's takes 0.75 s
    ),
    TailRow(
        "tail",
        "p99 of a FastAPI endpoint, legacy saturated: gateway / Django's ASGI handler mounted",
        Target(peers.GATEWAY_SERVICE, "/fast/json"),
        Target(peers.MOUNTED, "/fast/json"),
        busy="/orm/",
        goal=Goal(at_most=0.4),
    ),
    UnsaturatedRow(
        "shadow-p50",
        "p50 of a legacy JSON view, unsaturated: mirrored at 100 % / not mirrored",
        Target(peers.GATEWAY_SHADOW, "/json/"),
        Target(peers.GATEWAY, "/json/"),
        0.5,
        turns=2,
        goal=Goal(at_most=1.1),
    ),
    UnsaturatedRow(
        "shadow-p99",
        "p99 of a legacy JSON view, unsaturated: mirrored at 100 % / not mirrored",
        Target(peers.GATEWAY_SHADOW, "/json/"),
        Target(peers.GATEWAY, "/json/"),
        0.99,
        turns=8,
        goal=Goal(at_most=1.1),
    ),
    UnsaturatedRow(
        "shadow-orders",
        "p99 of order creation by DRF, PostgreSQL, unsaturated: mirrored and rolled back by a process beside, as "
        "`gateway serve` has it / not mirrored",
        Target(peers.SHOP_MIRRORED_APART, ORDERS),
        Target(peers.SHOP_LEGACY, ORDERS),
        0.99,
        turns=8,
        goal=Goal(at_most=1.15),
        interval=0.15,  # an order and its mirror take the server 10 ms: a quarter of its time
        requests=mirrored_orders,
    ),
    UnsaturatedRow(
        "shadow-orders-here",
        "for information: as above, mirrored and rolled back in the serving process / not mirrored",
        Target(peers.SHOP_MIRRORED, ORDERS),
        Target(peers.SHOP_LEGACY, ORDERS),
        0.99,
        turns=8,
        interval=0.15,
        requests=mirrored_orders,
    ),
    UnsaturatedRow(
        "shadow-apart",
        "for information: as above, mirrored at 100 % by a process of its own / not mirrored",
        Target(peers.GATEWAY_APART, "/json/"),
        Target(peers.GATEWAY, "/json/"),
        0.99,
        turns=8,
    ),
    DecideRow("decide", "decide: canary / live", Goal(value_below=3.0)),
    RateRow(
        "canary",
        "FastAPI endpoint: in canary at 50 %, by client address / live",
        Target(peers.GATEWAY_CANARY, "/fast/json"),
        Target(peers.GATEWAY_SERVICE, "/fast/json"),
        Goal(at_least=0.95),
    ),
    CostRow(
        "counted",
        "processor time of a legacy JSON view: counted by its endpoint / not counted",
        Target(peers.GATEWAY_COUNTED, "/json/"),
        Target(peers.GATEWAY, "/json/"),
        Goal(at_most=1.02),
    ),
    CostRow(
        "recorded",
        "processor time of a legacy JSON view: recorded at 100 % / not recorded",
        Target(peers.GATEWAY_RECORDED, "/json/"),
        Target(peers.GATEWAY, "/json/"),
        Goal(at_most=1.05),
        turns=2,
        seconds=10,  # what a process may spend at once after it has rested is over within the first
    ),
    RollbackRow(
        "rollback",
        "rollback to the last answer of the service, 4 workers, PostgreSQL: seconds / 1 s",
        Goal(at_most=1.0),
    ),
    MemoryRow(
        "memory",
        "resident memory: gateway without routes / gunicorn gthread, same threads",
        peers.GATEWAY,
        peers.GUNICORN,
        Goal(at_most=1.3),
    ),
    RateRow(
        "json-granian",
        "for information: legacy JSON view: gateway / granian WSGI",
        Target(peers.GATEWAY, "/json/"),
        Target(peers.GRANIAN, "/json/"),
    ),
    RateRow(
        "json-a2wsgi",
        "for information: legacy JSON view: gateway / uvicorn + a2wsgi",
        Target(peers.GATEWAY, "/json/"),
        Target(peers.A2WSGI, "/json/"),
    ),
)
