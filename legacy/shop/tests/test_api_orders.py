"""`/api/orders/`: ordering over the API."""

from typing import Any

import pytest
from django.core import mail
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from legacy.accounts.models import User
from legacy.conftest import MakeProduct
from legacy.shop.models import Order, Product


def body(*lines: tuple[Product, int]) -> dict[str, Any]:
    """An order of some products."""
    items = [{"product": product.pk, "quantity": quantity} for product, quantity in lines]
    return {"address": "Ermou 12", "note": "Ring twice", "lines": items}


def test_an_order_answers_with_its_lines_and_total(ada_api: APIClient, ada: User, atlas: Product) -> None:
    response = ada_api.post("/api/orders/", body((atlas, 2)))
    assert response.status_code == 201
    order = response.json()
    assert order["customer"] == {"id": ada.pk, "username": "ada"}
    assert order["lines"] == [
        {"product": atlas.pk, "name": "Atlas", "unit_price": "20.00", "quantity": 2, "total": "40.00"}
    ]
    assert (order["status"], order["total"]) == ("new", "40.00")


def test_an_order_takes_its_products_out_of_stock(ada_api: APIClient, atlas: Product) -> None:
    ada_api.post("/api/orders/", body((atlas, 2)))
    atlas.refresh_from_db()
    assert atlas.stock == 8


def test_the_confirmation_is_sent_after_the_commit(
    ada_api: APIClient, atlas: Product, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        ada_api.post("/api/orders/", body((atlas, 2)))
        assert mail.outbox == []
    assert len(mail.outbox) == 1


def test_lines_of_the_same_product_are_added_up(ada_api: APIClient, atlas: Product) -> None:
    order = ada_api.post("/api/orders/", body((atlas, 2), (atlas, 3))).json()
    assert [line["quantity"] for line in order["lines"]] == [5]


def test_more_than_there_is_is_a_conflict_that_names_every_shortage(
    ada_api: APIClient, atlas: Product, make_product: MakeProduct
) -> None:
    kite = make_product("Kite", stock=0)
    response = ada_api.post("/api/orders/", body((atlas, 11), (kite, 1)))
    assert response.status_code == 409
    assert response.json() == {
        "code": "out_of_stock",
        "detail": "Not enough in stock.",
        "errors": [
            {"product": atlas.pk, "name": "Atlas", "wanted": 11, "available": 10},
            {"product": kite.pk, "name": "Kite", "wanted": 1, "available": 0},
        ],
    }


def test_a_refused_order_changes_nothing(ada_api: APIClient, atlas: Product) -> None:
    ada_api.post("/api/orders/", body((atlas, 11)))
    atlas.refresh_from_db()
    assert (atlas.stock, Order.objects.count()) == (10, 0)


def test_without_lines_the_cart_is_ordered_and_emptied(ada_api: APIClient, atlas: Product) -> None:
    ada_api.post("/api/cart/items/", {"product": atlas.pk, "quantity": 2})
    response = ada_api.post("/api/orders/", {"address": "Ermou 12"})
    assert response.json()["total"] == "40.00"
    assert ada_api.get("/api/cart/").json()["count"] == 0


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"lines": []}, {"lines": {"non_field_errors": ["This list may not be empty."]}}),
        ({"address": ""}, {"address": ["This field may not be blank."]}),
    ],
)
def test_an_incomplete_order_is_told_what_is_wrong(
    ada_api: APIClient, atlas: Product, changes: dict[str, Any], errors: dict[str, Any]
) -> None:
    assert ada_api.post("/api/orders/", body((atlas, 1)) | changes).json()["errors"] == errors


def test_a_line_with_an_unknown_product_is_told_what_is_wrong(ada_api: APIClient) -> None:
    lines = [{"product": 404, "quantity": 1}]
    response = ada_api.post("/api/orders/", {"address": "Ermou 12", "lines": lines})
    assert response.status_code == 400
    assert "object does not exist" in str(response.json()["errors"]["lines"])


def test_without_lines_and_cart_there_is_nothing_to_order(ada_api: APIClient) -> None:
    response = ada_api.post("/api/orders/", {"address": "Ermou 12"})
    assert response.json()["errors"] == {"lines": ["Your cart is empty."]}


def test_ordering_needs_a_login(api: APIClient, atlas: Product) -> None:
    assert api.post("/api/orders/", body((atlas, 1))).status_code == 403


def test_customers_see_their_own_orders_only(ada_api: APIClient, api: APIClient, grace: User, atlas: Product) -> None:
    own = ada_api.post("/api/orders/", body((atlas, 1))).json()["id"]
    api.force_login(grace)
    other = api.post("/api/orders/", body((atlas, 1))).json()["id"]
    assert [order["id"] for order in ada_api.get("/api/orders/").json()["results"]] == [own]
    assert ada_api.get(f"/api/orders/{other}/").status_code == 404


def test_staff_with_permission_see_every_order(ada_api: APIClient, api: APIClient, clerk: User, atlas: Product) -> None:
    ada_api.post("/api/orders/", body((atlas, 1)))
    api.force_login(clerk)
    assert api.get("/api/orders/").json()["count"] == 1


def test_staff_without_permission_see_their_own_orders_only(
    ada_api: APIClient, api: APIClient, clerk: User, atlas: Product
) -> None:
    ada_api.post("/api/orders/", body((atlas, 1)))
    clerk.user_permissions.clear()
    api.force_login(clerk)
    assert api.get("/api/orders/").json()["count"] == 0


def test_the_list_costs_the_same_queries_however_long(
    ada_api: APIClient, atlas: Product, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        ada_api.post("/api/orders/", body((atlas, 1)))
    with django_assert_num_queries(5):  # session, user, count, orders, lines
        ada_api.get("/api/orders/")


def test_a_new_order_is_cancelled(ada_api: APIClient, atlas: Product) -> None:
    placed = ada_api.post("/api/orders/", body((atlas, 2))).json()["id"]
    assert ada_api.post(f"/api/orders/{placed}/cancel/").json()["status"] == "cancelled"
    atlas.refresh_from_db()
    assert atlas.stock == 10


def test_a_shipped_order_cannot_be_cancelled(ada_api: APIClient, atlas: Product) -> None:
    placed = ada_api.post("/api/orders/", body((atlas, 2))).json()["id"]
    Order.objects.update(status=Order.Status.SHIPPED)
    response = ada_api.post(f"/api/orders/{placed}/cancel/")
    assert response.status_code == 409
    assert response.json()["code"] == "not_cancellable"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_an_order_is_never_edited(ada_api: APIClient, atlas: Product, method: str) -> None:
    placed = ada_api.post("/api/orders/", body((atlas, 2))).json()["id"]
    assert getattr(ada_api, method)(f"/api/orders/{placed}/", {}).status_code == 405
