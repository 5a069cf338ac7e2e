"""What is measured: the gateway, and each way a user could serve the same code instead.

Each is one serving process; those with a thread pool have the gateway's number of threads.
"""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.process import BenchError
from bench.shop import ENVIRONMENT as SHOP

THREADS = 40
WORKERS = 4  # of the one that is rolled back
_BIND = ("--host", "127.0.0.1", "--port", "{port}")
_UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to serve: the command after `python -m`, what must be importable, what must answer first.

    `beside` is a command of the gateway's that runs beside it, with the same environment.
    """

    name: str
    title: str
    module: str
    arguments: tuple[str, ...]
    ready: str = "/json/"
    requires: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, compare=False)
    beside: str = ""

    def command_beside(self) -> list[str]:
        """Return the command line of what runs beside it; empty where nothing does."""
        return [str(Path(sys.executable).with_name("gateway")), *self.beside.split()] if self.beside else []

    def command(self) -> list[str]:
        """Return the command line with `{port}` left to fill in.

        Raises `BenchError` naming the peer and the module that cannot be imported.
        """
        missing = [name for name in (self.module, *self.requires) if not _importable(name)]
        if missing:
            raise BenchError(f"{self.title}: cannot import {', '.join(missing)}; expected it to be installed")
        return [sys.executable, "-m", self.module, *self.arguments]


def _importable(module: str) -> bool:
    """Tell whether `module` is there, without running it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _uvicorn(
    name: str,
    title: str,
    app: str,
    *,
    ready: str = "/json/",
    env: Mapping[str, str] | None = None,
    extra: tuple[str, ...] = (),
) -> Peer:
    return Peer(
        name=name,
        title=title,
        module="uvicorn",
        arguments=(app, *_BIND, *_UVICORN, *extra),
        ready=ready,
        requires=("uvloop", "httptools", app.partition(":")[0]),
        env=env or {},
    )


def _gateway(name: str, title: str, config: str) -> Peer:
    return _uvicorn(name, title, "gateway.asgi:app", env={"GATEWAY_CONFIG": f"bench/config/{config}"})


GATEWAY = _gateway("gateway", "gateway", "legacy.toml")
GATEWAY_SERVICE = _gateway("gateway-service", "gateway with a service", "service.toml")
GATEWAY_BRIDGED = _gateway("gateway-bridged", "gateway, service in Django's middleware", "bridged.toml")
GATEWAY_SHADOW = _gateway("gateway-shadow", "gateway, all requests mirrored", "shadow.toml")
GATEWAY_APART = replace(
    _gateway("gateway-apart", "gateway, all requests mirrored by another process", "shadow-apart.toml"),
    beside="mirrors",
)
GATEWAY_COUNTED = _uvicorn(
    "gateway-counted",
    "gateway, every request counted by its endpoint",
    "bench.counted:app",
    env={"GATEWAY_CONFIG": "bench/config/legacy.toml"},
)
GATEWAY_RECORDED = _uvicorn(
    "gateway-recorded",
    "gateway, every request to be recorded",
    "bench.flushed:app",
    env={"GATEWAY_CONFIG": "bench/config/legacy.toml"},
)
GATEWAY_CANARY = _gateway("gateway-canary", "gateway, service in canary at 50 %", "canary.toml")
GATEWAY_CONTROLLED = _uvicorn(
    "gateway-controlled",
    "gateway, 4 workers, gateway.control on PostgreSQL",
    "gateway.asgi:app",
    env={"GATEWAY_CONFIG": "bench/config/controlled.toml", "BENCH_SECRET_KEY": "for the benchmark only"},
    extra=("--workers", str(WORKERS)),
)
DJANGO_ASGI = _uvicorn(
    "django-asgi",
    "uvicorn + Django's ASGI handler",
    "bench.project.asgi:application",
    extra=("--lifespan", "off"),  # Django's handler knows none
)
GUNICORN = Peer(
    name="gunicorn",
    title="gunicorn gthread",
    module="gunicorn",
    arguments=(
        "bench.project.wsgi:application",
        "--bind=127.0.0.1:{port}",
        "--worker-class=gthread",
        "--workers=1",
        f"--threads={THREADS}",
        "--log-level=warning",
    ),
)
SHOP_GATEWAY = _uvicorn(
    "shop-gateway",
    "demo shop: FastAPI through the gateway",
    "gateway.asgi:app",
    ready="/api/products/",
    env={**SHOP, "GATEWAY_CONFIG": "gateway.toml"},
)
SHOP_LEGACY = _uvicorn(
    "shop-legacy",
    "demo shop: DRF through the gateway",
    "gateway.asgi:app",
    ready="/api/products/",
    env={**SHOP, "GATEWAY_CONFIG": "bench/config/shop-legacy.toml"},
)
SHOP_MIRRORED = replace(
    SHOP_LEGACY,
    name="shop-mirrored",
    title="demo shop: DRF through the gateway, all orders mirrored",
    env={**SHOP, "GATEWAY_CONFIG": "bench/config/shop-mirrored.toml"},
)
SHOP_MIRRORED_APART = replace(
    SHOP_MIRRORED,
    name="shop-mirrored-apart",
    title="demo shop: DRF through the gateway, all orders mirrored by another process",
    env={**SHOP, "GATEWAY_CONFIG": "bench/config/shop-mirrored-apart.toml"},
    beside="mirrors",  # as `gateway serve` starts it
)
SHOP_GUNICORN = Peer(
    name="shop-gunicorn",
    title="demo shop: DRF under gunicorn gthread",
    module="gunicorn",
    arguments=(
        "legacy.wsgi:application",
        "--bind=127.0.0.1:{port}",
        "--worker-class=gthread",
        "--workers=1",
        f"--threads={THREADS}",
        "--log-level=warning",
    ),
    ready="/api/products/",
    env=SHOP,
)
GRANIAN = Peer(
    name="granian",
    title="granian WSGI",
    module="granian",
    arguments=(
        "bench.project.wsgi:application",
        *_BIND,
        "--interface=wsgi",
        "--workers=1",
        f"--blocking-threads={THREADS}",
        "--no-access-log",
        "--log-level=warning",
    ),
)
A2WSGI = _uvicorn("a2wsgi", "uvicorn + a2wsgi", "bench.bridged:app", env={"BENCH_THREADS": str(THREADS)})
FASTAPI = _uvicorn("fastapi", "bare uvicorn + FastAPI", "bench.service:app", ready="/fast/json")
FASTAPI_DJANGO = _uvicorn(
    "fastapi-django", "bare uvicorn + FastAPI + Django's ORM", "bench.with_django:app", ready="/fast/json"
)
HELLO = _uvicorn("hello", "bare uvicorn", "bench.hello:app")
MOUNTED = _uvicorn("mounted", "FastAPI with Django's ASGI handler mounted", "bench.mounted:app")

PEERS = (
    GATEWAY,
    GATEWAY_SERVICE,
    GATEWAY_BRIDGED,
    GATEWAY_SHADOW,
    GATEWAY_APART,
    GATEWAY_CANARY,
    GATEWAY_COUNTED,
    GATEWAY_RECORDED,
    GATEWAY_CONTROLLED,
    DJANGO_ASGI,
    GUNICORN,
    GRANIAN,
    A2WSGI,
    FASTAPI,
    FASTAPI_DJANGO,
    HELLO,
    MOUNTED,
    SHOP_GATEWAY,
    SHOP_LEGACY,
    SHOP_MIRRORED,
    SHOP_MIRRORED_APART,
    SHOP_GUNICORN,
)
