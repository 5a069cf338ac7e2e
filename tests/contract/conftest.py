"""One shelf of products, asked for in three ways."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connections
from django.test.utils import override_settings
from rest_framework.authtoken.models import Token

from gateway import Gateway
from gateway.testing.live import unprotected
from legacy.accounts.models import User
from legacy.settings import database
from legacy.shop.models import Category, Product, ProductImage, Review, Tenant
from legacy.suppliers.quotes import http_client
from tests.contract.targets import Application, Browser, Django, Target

ROOT = Path(__file__).parents[2]
PREFIXES = {
    "catalog": "/api/products",
    "cart": "/api/cart",
    "orders": "/api/orders",
    "quotes": "/api/quotes",
    "reviews": "/api/reviews",
}
NAMES = ("Atlas", "Bucket", "Drum", "Kite", "Lamp")
DESCRIPTIONS = ("", "All the seas.", "Λύχνος, 100 % “handmade”\n\tby\\night", "Pasted \u2028 from a letter \u2029 </p>")


@contextmanager
def own_database(path: Path) -> Iterator[None]:
    """A migrated SQLite file in place of whatever the settings name, for threads that start in this block.

    Services read on other threads, so rows must be committed: neither the database that pytest-django
    rolls back will do, nor, by any accident, the demo's. CONTRACT_DATABASE_URL names an empty one on PostgreSQL.
    """
    kept, connection = connections.settings["default"], connections["default"]
    own = database(os.environ.get("CONTRACT_DATABASE_URL", ""), path)
    connections.settings["default"] = {**kept, "OPTIONS": {}, **own, "CONN_MAX_AGE": 0}
    del connections["default"]
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connections["default"].close()
        connections.settings["default"], connections["default"] = kept, connection


@pytest.fixture(scope="package")
def shop(django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A shop with 45 products, two categories and a second tenant."""
    folder = tmp_path_factory.mktemp("shop")
    changed = override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        MEDIA_ROOT=folder / "media",
        MAINTENANCE_FILE=folder / "maintenance",
    )
    with changed, django_db_blocker.unblock(), own_database(folder / "shop.sqlite3"):
        cache.clear()
        _fill()
        yield
        cache.clear()


def _fill() -> None:
    books, toys = (Category.objects.create(id=i, name=n, slug=n.lower()) for i, n in enumerate(("Books", "Toys"), 1))
    Tenant.objects.create(slug="toys", name="Only toys", only_category=toys)
    start = datetime(2025, 3, 1, 7, 30, tzinfo=UTC)
    products = [
        Product(
            id=number,
            category=books if number % 3 else toys,
            sku=f"C-{number:03}",
            name=f"{NAMES[number % len(NAMES)]} “{number}” & Co",
            slug=f"product-{number}",
            description=DESCRIPTIONS[number % len(DESCRIPTIONS)],
            price=Decimal(number % 7 * 499 + 1) / 100,
            stock=number % 4,
            is_active=number != 40,
            created=start + timedelta(days=9 * number, microseconds=number % 2 * 1234),  # across summer time
        )
        for number in range(1, 46)
    ]
    products[0].category = books
    Product.objects.bulk_create(products)
    for position, name in enumerate(("front cover.png", "λ.png")):
        image = ProductImage(id=position + 1, product_id=2, alt=name, position=2 - position)
        image.image.save(name, ContentFile(b"not a picture, but nobody looks"))
    ProductImage.objects.create(id=3, product_id=3)  # without a file
    people = [User.objects.create_user(name, f"{name}@example.com", name) for name in ("ada", "grace", "alan")]
    User.objects.create_superuser("boss", "boss@example.com", "boss")
    people.append(User.objects.create_user("gone", "gone@example.com", "gone", is_active=False))
    Token.objects.bulk_create(Token(user=user, key=f"key-of-{user.username}") for user in User.objects.all())
    for product in (1, 2, 4, 7):
        for index, author in enumerate(people[: 1 + product % 3]):
            Review.objects.create(product_id=product, author=author, rating=3 + index % 2, title="Fine")


@pytest.fixture(scope="package")
def legacy(shop: None) -> Iterator[Django]:
    """Django alone."""
    yield Django()
    http_client().close()
    http_client.cache_clear()


@pytest.fixture(scope="package")
def services(shop: None) -> Iterator[Application]:
    """The services alone: below their prefixes nothing is left to Django but its middleware."""
    tables = tomllib.loads((ROOT / "gateway.toml").read_text())
    tables["routes"] = [
        {"name": name, "prefix": prefix, "service": name, "claim": "all"} for name, prefix in PREFIXES.items()
    ]
    with Application(unprotected(Gateway(tables))) as application:
        yield application


@pytest.fixture(scope="package")
def gateway(shop: None) -> Iterator[Application]:
    """Both behind the gateway, with the demo's own configuration."""
    with Application(unprotected(Gateway.from_file(ROOT / "gateway.toml"))) as application:
        yield application


@pytest.fixture(params=["legacy", pytest.param("services", marks=pytest.mark.slow), "gateway"])
def target(request: pytest.FixtureRequest) -> Target:
    """Each of the three in turn."""
    found: Target = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def browser(gateway: Application) -> Iterator[Browser]:
    """Somebody who visits the site through the gateway."""
    browser = Browser(gateway)
    yield browser
    browser.close()
