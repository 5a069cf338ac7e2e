"""What the shop's tests share: a few people, a shelf of products, and clients to ask with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from legacy.accounts.models import User
from legacy.shop.models import Category, Product

if TYPE_CHECKING:
    from pytest_django import Settings

MakeProduct: TypeAlias = Callable[..., Product]


@pytest.fixture(autouse=True)
def _laptop(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Keep files and counters of one test from the next, and hash passwords quickly."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MAINTENANCE_FILE = tmp_path / "maintenance"
    cache.clear()
    yield
    cache.clear()


def _user(username: str, **fields: Any) -> User:
    email = f"{username}@example.com"
    return User.objects.create_user(username, email, username, address="Ermou 12, Athens", **fields)


@pytest.fixture
def ada(db: None) -> User:
    """A customer."""
    return _user("ada")


@pytest.fixture
def grace(db: None) -> User:
    """Another customer."""
    return _user("grace")


@pytest.fixture
def clerk(db: None) -> User:
    """A member of staff who may see orders and change products."""
    clerk = _user("clerk", is_staff=True)
    codenames = ("view_order", "add_product", "change_product", "delete_product")
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="shop", codename__in=codenames))
    return clerk


@pytest.fixture
def books(db: None) -> Category:
    """A category."""
    return Category.objects.create(name="Books", slug="books")


@pytest.fixture
def make_product(books: Category) -> MakeProduct:
    """Create products, by default ten copies of a book for 20.00."""

    def make(name: str, price: str = "20.00", stock: int = 10, **fields: Any) -> Product:
        number = Product.objects.count() + 1
        defaults = {"category": books, "sku": f"T-{number}", "slug": f"product-{number}"}
        return Product.objects.create(name=name, price=Decimal(price), stock=stock, **(defaults | fields))

    return make


@pytest.fixture
def atlas(make_product: MakeProduct) -> Product:
    """A product: ten copies for 20.00 each."""
    return make_product("Atlas")


@pytest.fixture
def api(db: None) -> APIClient:
    """An anonymous caller of the API."""
    return APIClient()


@pytest.fixture
def as_ada(ada: User) -> Client:
    """Ada's browser."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def ada_api(ada: User) -> APIClient:
    """The API as Ada sees it, logged in with a session."""
    client = APIClient()
    client.force_login(ada)
    return client
