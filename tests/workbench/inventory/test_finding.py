"""An endpoint by what a person writes."""

from __future__ import annotations

import pytest

from gateway.workbench.inventory import NoSuchEndpoint, find, find_all

PRODUCTS = "legacy.shop.api.views.ProductViewSet"


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("GET /api/products/{pk}/", "GET /api/products/{pk}/"),
        ("patch /api/products/{id}/", "PATCH /api/products/{pk}/"),
        ("/api/products/{id}/", "GET /api/products/{pk}/"),
        ("/api/products/7/", "GET /api/products/{pk}/"),
        ("POST /api/orders", "POST /api/orders/"),
        ("api-order-list", "GET /api/orders/"),
        (PRODUCTS, "GET /api/products/"),
        (f"{PRODUCTS}.destroy", "DELETE /api/products/{pk}/"),
        ("legacy.shop.views.cart_add", "POST /cart/add/{slug}/"),
        ("DELETE /checkout/", "* /checkout/"),  # a view that doesn't say which methods it takes
    ],
)
def test_an_endpoint_is_found_by_template_path_name_or_view(text, endpoint):
    assert str(find(text)) == endpoint


def test_all_endpoints_of_a_view():
    assert [str(one) for one in find_all(PRODUCTS)] == [
        "GET /api/products/",
        "POST /api/products/",
        "GET /api/products/{pk}/",
        "PUT /api/products/{pk}/",
        "PATCH /api/products/{pk}/",
        "DELETE /api/products/{pk}/",
        "POST /api/products/{pk}/images/",
    ]


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("GET /api/product/{id}/", "GET /api/products/{pk}/"),
        ("DELETE /api/products/", "GET /api/products/"),
        ("legacy.shop.api.views.ProductsViewSet", PRODUCTS),
    ],
)
def test_what_is_not_there_is_said_with_what_is_near(text, near):
    with pytest.raises(NoSuchEndpoint) as raised:
        find(text)

    assert near in raised.value.near
    assert repr(text) in str(raised.value)
