"""Fixtures: a gateway.toml for the pages, staff with permissions, and what workers would have stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from gateway import Gateway
from gateway.admin.history_cache import HISTORY
from gateway.admin.inventory_cache import INVENTORY
from gateway.admin.pages import FRAGMENTS
from gateway.control.models import Worker
from gateway.control.serving import serving_by
from gateway.control.store import Origin, write_counts, write_found, write_worker
from gateway.mirroring.difference_log import Example, FoundGroup
from gateway.stats.tally import Mirrored
from legacy.accounts.models import User
from tests.control.conftest import tally

ROUTES = """
[legacy]
settings = "legacy.settings"

[services.items]
app = "tests.project.services:items"

[[routes]]
name = "catalog"
prefix = "/catalog"
service = "items"
stage = "legacy"

[[routes]]
name = "cart_lines"
prefix = "/cart"
service = "items"
stage = "shadow"

[[routes]]
name = "orders"
prefix = "/orders"
service = "items"
stage = "canary"
weight = 10.0
"""


@pytest.fixture(autouse=True)
def _nothing_kept(settings):
    """No page of an earlier test; and no second for each user's password."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    FRAGMENTS.clear()
    INVENTORY.clear()
    HISTORY.clear()
    INVENTORY.start = lambda work: work()


@pytest.fixture
def toml(tmp_path, monkeypatch) -> Callable[[str], None]:
    """Write the gateway.toml that the pages are about."""

    def write(text: str) -> None:
        path = tmp_path / "gateway.toml"
        path.write_text(text)
        monkeypatch.setenv("GATEWAY_CONFIG", str(path))

    write(ROUTES)
    return write


@pytest.fixture
def staff(db) -> Callable[..., Client]:
    """A client of a member of staff with these permissions of the section."""

    def login(*permissions: str, name: str = "ana") -> Client:
        user = User.objects.create_user(name, f"{name}@example.com", name, is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(content_type__app_label="gateway_control", codename__in=permissions)
        )
        client = Client()
        client.force_login(user)
        return client

    return login


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def serving(now: datetime, **more: Any) -> Worker:
    """A worker that was seen just now."""
    started = now - timedelta(hours=1)
    worker = Worker(id="a", host="web1", pid=7, started=started, seen=now, **({"releases": {"items": "r1"}} | more))
    write_worker(worker)
    return worker


def counted(
    now: datetime,
    route: str,
    *,
    side: str = "service",
    requests: int = 60,
    errors: int = 0,
    took: float = 0.01,
    **more: Any,
) -> None:
    """Requests of one side, a moment ago, and mirrors that were all equal."""
    start = int(now.timestamp()) - 20
    mirrored = more.get("mirrored", Mirrored(60, equal=60))
    seconds = [took] * requests
    tallies = {(route, side, start): tally(*seconds, errors=errors)}
    write_counts("a", tallies, {(route, start): mirrored}, origin=Origin(now, {route: "r1"}))


def difference(
    route: str = "cart_lines",
    pointer: str = "/price",
    *,
    expected: str = '"10.00"',
    actual: str = '"10.0"',
    target: str = "/cart/1/",
    key: str = "f" * 32,
    **more: Any,
) -> None:
    """A difference that was found under release r1."""
    now = datetime.now(UTC)
    shown = Example(target, pointer, expected, actual, now.timestamp())
    values = {"kind": "primitive", "severity": "breaking", "summary": f"value of {pointer} changed", "count": 3} | more
    group = FoundGroup(route, "GET /cart/{id}/", key, pointer=pointer, examples=(shown,), **values)
    origin = Origin(now - timedelta(hours=1), {route: "r1"})
    write_found([group], {}, now, origin=origin)


@pytest.fixture
def served(tmp_path) -> Iterator[Gateway]:
    """The gateway, as if it served this process: a route takes the shop's products."""
    path = tmp_path / "gateway.toml"
    path.write_text('[legacy]\nsettings = "legacy.settings"\n')
    services = {"items": {"app": "tests.project.services:items", "middleware": "none"}}
    route = {"name": "products", "prefix": "/api/products", "service": "items", "claim": "all", "methods": ["GET"]}
    tables = {
        "legacy": {"settings": "legacy.settings", "threads": 4, "static": False},
        "services": services,
        "routes": [route | {"stage": "canary", "weight": 10.0}],
    }
    gateway = Gateway(tables, source=str(path))
    gateway.control = None  # nothing is polled or written here
    with serving_by(gateway):
        yield gateway
