"""`/api/cart/`: the session's cart as JSON."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from legacy.conftest import MakeProduct
from legacy.shop.models import Product

EMPTY = {"items": [], "count": 0, "total": "0.00"}


def test_a_new_visitors_cart_is_empty_and_makes_no_session(api: APIClient) -> None:
    response = api.get("/api/cart/")
    assert response.json() == EMPTY
    assert "sessionid" not in response.cookies


def test_adding_answers_with_the_cart(api: APIClient, atlas: Product) -> None:
    response = api.post("/api/cart/items/", {"product": atlas.pk, "quantity": 2})
    assert response.status_code == 201
    assert response.json() == {
        "items": [
            {
                "product": {
                    "id": atlas.pk,
                    "sku": "T-1",
                    "name": "Atlas",
                    "slug": "product-1",
                    "price": "20.00",
                },
                "quantity": 2,
                "total": "40.00",
            }
        ],
        "count": 2,
        "total": "40.00",
    }


def test_adding_again_adds_up(api: APIClient, atlas: Product) -> None:
    api.post("/api/cart/items/", {"product": atlas.pk})
    assert api.post("/api/cart/items/", {"product": atlas.pk}).json()["count"] == 2


def test_the_cart_is_kept_from_request_to_request(api: APIClient, atlas: Product) -> None:
    api.post("/api/cart/items/", {"product": atlas.pk})
    assert api.get("/api/cart/").json()["count"] == 1


def test_the_pages_and_the_api_share_the_cart(client: Client, atlas: Product) -> None:
    client.post(f"/cart/add/{atlas.slug}/", {"quantity": 3})
    assert client.get("/api/cart/").json()["count"] == 3


def test_a_quantity_is_set(api: APIClient, atlas: Product) -> None:
    api.post("/api/cart/items/", {"product": atlas.pk, "quantity": 5})
    assert api.patch("/api/cart/items/", {"product": atlas.pk, "quantity": 2}).json()["count"] == 2


def test_quantity_zero_takes_the_product_out(api: APIClient, atlas: Product) -> None:
    api.post("/api/cart/items/", {"product": atlas.pk})
    assert api.patch("/api/cart/items/", {"product": atlas.pk, "quantity": 0}).json() == EMPTY


def test_one_product_is_deleted(api: APIClient, atlas: Product, make_product: MakeProduct) -> None:
    for product in (atlas, make_product("Kite")):
        api.post("/api/cart/items/", {"product": product.pk})
    items = api.delete(f"/api/cart/items/{atlas.pk}/").json()["items"]
    assert [item["product"]["name"] for item in items] == ["Kite"]


def test_everything_is_deleted(api: APIClient, atlas: Product) -> None:
    api.post("/api/cart/items/", {"product": atlas.pk})
    assert api.delete("/api/cart/items/").json() == EMPTY


@pytest.mark.parametrize("quantity", [0, 100, "many"])
def test_a_quantity_to_add_goes_from_one_to_ninety_nine(api: APIClient, atlas: Product, quantity: object) -> None:
    response = api.post("/api/cart/items/", {"product": atlas.pk, "quantity": quantity})
    assert list(response.json()["errors"]) == ["quantity"]


def test_an_unknown_product_cannot_be_added(api: APIClient) -> None:
    response = api.post("/api/cart/items/", {"product": 404})
    assert response.json()["errors"] == {"product": ['Invalid pk "404" - object does not exist.']}


def test_a_withdrawn_product_cannot_be_added(api: APIClient, make_product: MakeProduct) -> None:
    response = api.post("/api/cart/items/", {"product": make_product("Secret", is_active=False).pk})
    assert response.json()["errors"] == {"product": ["This product is not for sale."]}
