"""What happens around every request."""

import logging

import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from legacy.accounts.models import User
from legacy.conftest import MakeProduct
from legacy.shop.models import Category, Product, Tenant


def test_every_request_is_logged_with_method_path_status_and_time(
    client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "legacy.requests"):
        client.get("/cart/")
    assert caplog.messages[0].startswith("GET /cart/ 200 ")
    assert caplog.messages[0].endswith("ms")


def test_a_server_error_is_logged_as_an_error(client: Client, db: None, caplog: pytest.LogCaptureFixture) -> None:
    settings.MAINTENANCE_FILE.touch()
    client.get("/products/")
    records = [record for record in caplog.records if record.name == "legacy.requests"]
    assert [record.levelname for record in records] == ["ERROR"]


def test_without_the_header_it_is_the_main_shop(client: Client, db: None) -> None:
    assert "Agora" in client.get("/products/").content.decode()


def test_the_tenant_header_chooses_the_shops_name(client: Client, db: None) -> None:
    Tenant.objects.create(slug="outlet", name="Outlet Shop")
    page = client.get("/products/", headers={"X-Tenant": "outlet"})
    assert "Outlet Shop" in page.content.decode()


def test_a_tenant_sells_only_its_own_category(api: APIClient, make_product: MakeProduct, books: Category) -> None:
    toys = Category.objects.create(name="Toys", slug="toys")
    make_product("Atlas")
    make_product("Kite", category=toys)
    Tenant.objects.create(slug="books", name="Books", only_category=books)
    results = api.get("/api/products/", headers={"X-Tenant": "books"}).json()["results"]
    assert [product["name"] for product in results] == ["Atlas"]


def test_a_tenant_shows_only_its_own_category(api: APIClient, books: Category) -> None:
    Category.objects.create(name="Toys", slug="toys")
    Tenant.objects.create(slug="books", name="Books", only_category=books)
    results = api.get("/api/categories/", headers={"X-Tenant": "books"}).json()["results"]
    assert [category["slug"] for category in results] == ["books"]


def test_an_unknown_tenant_is_not_found(client: Client, db: None) -> None:
    response = client.get("/products/", headers={"X-Tenant": "nobody"})
    assert response.status_code == 404
    assert response.json()["code"] == "unknown_tenant"


def test_caches_are_told_that_the_answer_depends_on_the_tenant(client: Client, db: None) -> None:
    assert "X-Tenant" in client.get("/products/").headers["Vary"]


def test_maintenance_closes_the_pages(client: Client, db: None) -> None:
    settings.MAINTENANCE_FILE.touch()
    response = client.get("/products/")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "120"


def test_maintenance_closes_the_api_with_json(api: APIClient) -> None:
    settings.MAINTENANCE_FILE.touch()
    response = api.get("/api/products/")
    assert response.status_code == 503
    assert response.json() == {"code": "maintenance", "detail": "The shop is closed for maintenance."}


@pytest.mark.parametrize("path", ["/admin/login/", "/accounts/login/"])
def test_maintenance_leaves_the_doors_for_staff_open(client: Client, db: None, path: str) -> None:
    settings.MAINTENANCE_FILE.touch()
    assert client.get(path).status_code == 200


def test_maintenance_lets_staff_in(client: Client, clerk: User, atlas: Product) -> None:
    settings.MAINTENANCE_FILE.touch()
    client.force_login(clerk)
    assert client.get("/products/").status_code == 200


def test_maintenance_keeps_customers_out(as_ada: Client) -> None:
    settings.MAINTENANCE_FILE.touch()
    assert as_ada.get("/products/").status_code == 503
