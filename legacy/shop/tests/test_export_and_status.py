"""The streamed price list and the async view."""

import csv
import io

from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from pytest_django import DjangoAssertNumQueries

from legacy.conftest import MakeProduct
from legacy.shop.export import csv_lines
from legacy.shop.models import Category, Product, Tenant


def rows(client: Client, **headers: str) -> list[list[str]]:
    """The export's rows."""
    return list(csv.reader(io.StringIO(client.get("/export/products.csv", headers=headers).getvalue().decode())))


def test_the_export_has_a_header_and_a_row_for_each_product(client: Client, atlas: Product) -> None:
    header, row = rows(client)
    assert header == ["sku", "name", "category", "price", "stock", "created"]
    assert row[:5] == ["T-1", "Atlas", "Books", "20.00", "10"]


def test_the_export_is_streamed(client: Client, db: None) -> None:
    response = client.get("/export/products.csv")
    assert response.streaming
    assert response.headers["Content-Disposition"] == 'attachment; filename="products.csv"'


def test_the_export_asks_for_products_only_when_they_are_read(
    atlas: Product, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        lines = csv_lines(Product.objects.all())
        next(lines)


def test_the_export_quotes_what_needs_it(client: Client, make_product: MakeProduct) -> None:
    make_product('Salt, "fine"')
    assert rows(client)[1][1] == 'Salt, "fine"'


def test_the_export_is_the_tenants(client: Client, make_product: MakeProduct, books: Category) -> None:
    make_product("Kite", category=Category.objects.create(name="Toys", slug="toys"))
    Tenant.objects.create(slug="books", name="Books", only_category=books)
    assert len(rows(client, **{"X-Tenant": "books"})) == 1


def test_the_status_counts(client: Client, make_product: MakeProduct) -> None:
    make_product("Atlas")
    make_product("Kite", stock=0)
    assert client.get("/status/").json() == {
        "shop": "Agora",
        "products": 2,
        "in_stock": 1,
        "reviews": 0,
        "orders": 0,
    }


def test_the_status_is_only_read(client: Client, db: None) -> None:
    assert client.post("/status/").status_code == 405


def test_the_status_works_under_asgi_too(async_client: AsyncClient, transactional_db: None) -> None:
    assert async_to_sync(async_client.get)("/status/").json()["products"] == 0
