"""`/api/products/` and `/api/categories/`."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from legacy.accounts.models import User
from legacy.conftest import MakeProduct
from legacy.shop.models import Category, Product, Review

NEW = {"sku": "N-1", "name": "Globe", "slug": "globe", "price": "49.90", "stock": 3, "category_slug": "books"}


def found(api: APIClient, query: str = "") -> list[str]:
    """Names of the listed products, in order."""
    return [product["name"] for product in api.get(f"/api/products/?{query}").json()["results"]]


@pytest.fixture
def shelf(make_product: MakeProduct) -> Sequence[Product]:
    """Four products that differ in everything one can filter by."""
    toys = Category.objects.create(name="Toys", slug="toys")
    return (
        make_product("Atlas", "20.00", description="All the seas."),
        make_product("Bible", "10.00", stock=0),
        make_product("Kite", "10.00", category=toys),
        make_product("Robot", "99.90", category=toys, stock=0),
    )


@pytest.fixture
def clerk_api(clerk: User) -> APIClient:
    """The API as staff see it."""
    client = APIClient()
    client.force_login(clerk)
    return client


def test_a_listed_product_has_this_shape(api: APIClient, atlas: Product) -> None:
    assert api.get("/api/products/").json()["results"] == [
        {
            "id": atlas.pk,
            "sku": "T-1",
            "name": "Atlas",
            "slug": "product-1",
            "category": {"id": atlas.category_id, "name": "Books", "slug": "books"},
            "price": "20.00",
            "in_stock": True,
            "rating": {"average": None, "count": 0},
            "created": api.get(f"/api/products/{atlas.pk}/").json()["created"],
        }
    ]


def test_a_product_on_its_own_shows_more(api: APIClient, atlas: Product) -> None:
    product = api.get(f"/api/products/{atlas.pk}/").json()
    assert {"description", "stock", "images"} <= product.keys()


def test_a_rating_is_the_average_to_two_places(
    api: APIClient, atlas: Product, ada: User, grace: User, clerk: User
) -> None:
    for author, rating in ((ada, 5), (grace, 4), (clerk, 4)):
        Review.objects.create(product=atlas, author=author, rating=rating, title="x")
    assert api.get(f"/api/products/{atlas.pk}/").json()["rating"] == {"average": 4.33, "count": 3}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("category=toys", ["Kite", "Robot"]),
        ("category=nothing", []),
        ("price_min=20", ["Atlas", "Robot"]),
        ("price_max=20.00", ["Atlas", "Bible", "Kite"]),
        ("price_min=15&price_max=50", ["Atlas"]),
        ("in_stock=true", ["Atlas", "Kite"]),
        ("in_stock=false", ["Bible", "Robot"]),
        ("search=SEAS", ["Atlas"]),
        ("search=T-4", ["Robot"]),
        ("category=toys&in_stock=true", ["Kite"]),
        ("", ["Atlas", "Bible", "Kite", "Robot"]),
        ("ordering=price", ["Bible", "Kite", "Atlas", "Robot"]),
        ("ordering=-price", ["Robot", "Atlas", "Bible", "Kite"]),
        ("ordering=-name", ["Robot", "Kite", "Bible", "Atlas"]),
        ("ordering=created", ["Atlas", "Bible", "Kite", "Robot"]),
        ("ordering=stock", ["Atlas", "Bible", "Kite", "Robot"]),
    ],
)
def test_the_list_is_filtered_searched_and_ordered(
    api: APIClient, shelf: Sequence[Product], query: str, names: list[str]
) -> None:
    assert found(api, query) == names


def test_a_filter_that_is_not_a_number_is_an_error(api: APIClient) -> None:
    response = api.get("/api/products/?price_min=cheap")
    assert response.status_code == 400
    assert response.json()["errors"] == {"price_min": ["Enter a number."]}


def test_withdrawn_products_do_not_exist(api: APIClient, make_product: MakeProduct) -> None:
    product = make_product("Secret", is_active=False)
    assert api.get(f"/api/products/{product.pk}/").status_code == 404


def test_a_page_has_twenty_products(api: APIClient, make_product: MakeProduct) -> None:
    for number in range(21):
        make_product(f"Atlas {number:02}")
    page = api.get("/api/products/").json()
    assert (page["count"], len(page["results"]), page["previous"]) == (21, 20, None)
    assert page["next"] == "http://testserver/api/products/?page=2"


def test_the_page_size_is_the_callers_up_to_a_hundred(api: APIClient, make_product: MakeProduct) -> None:
    for number in range(3):
        make_product(f"Atlas {number}")
    page = api.get("/api/products/?page_size=2&page=2").json()
    assert [product["name"] for product in page["results"]] == ["Atlas 2"]
    assert page["previous"] == "http://testserver/api/products/?page_size=2"


def test_a_page_beyond_the_last_is_not_found(api: APIClient) -> None:
    assert api.get("/api/products/?page=2").json() == {"code": "not_found", "detail": "Invalid page."}


def test_equal_prices_keep_their_order_from_page_to_page(api: APIClient, make_product: MakeProduct) -> None:
    for number in range(9):
        make_product(f"Atlas {number}")
    pages = [found(api, f"ordering=price&page_size=3&page={page}") for page in (1, 2, 3)]
    assert [name for page in pages for name in page] == [f"Atlas {number}" for number in range(9)]


def test_the_list_costs_the_same_queries_however_long(
    api: APIClient, shelf: Sequence[Product], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        api.get("/api/products/")


def test_staff_create_a_product_in_a_category_named_by_slug(clerk_api: APIClient, books: Category) -> None:
    response = clerk_api.post("/api/products/", NEW)
    assert response.status_code == 201
    assert response.json()["category"]["name"] == "Books"
    assert Product.objects.get().price == Decimal("49.90")


def test_staff_change_a_product(clerk_api: APIClient, atlas: Product) -> None:
    response = clerk_api.patch(f"/api/products/{atlas.pk}/", {"price": "21.50"})
    assert response.json()["price"] == "21.50"


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("price", "0", "Ensure this value is greater than or equal to 0.01."),
        ("price", "1.999", "Ensure that there are no more than 2 decimal places."),
        ("stock", -1, "Ensure this value is greater than or equal to 0."),
        ("category_slug", "nothing", "Object with slug=nothing does not exist."),
        ("name", "", "This field may not be blank."),
    ],
)
def test_staff_are_told_what_is_wrong(
    clerk_api: APIClient, books: Category, field: str, value: Any, problem: str
) -> None:
    response = clerk_api.post("/api/products/", NEW | {field: value})
    assert response.json()["errors"] == {field: [problem]}


def test_customers_do_not_create_products(ada_api: APIClient, books: Category) -> None:
    assert ada_api.post("/api/products/", NEW).status_code == 403


def test_a_product_that_was_ordered_cannot_be_deleted(clerk_api: APIClient, ada_api: APIClient, atlas: Product) -> None:
    ada_api.post("/api/orders/", {"address": "x", "lines": [{"product": atlas.pk, "quantity": 1}]})
    response = clerk_api.delete(f"/api/products/{atlas.pk}/")
    assert response.status_code == 409
    assert response.json()["code"] == "protected"


def test_staff_upload_a_picture(clerk_api: APIClient, atlas: Product, pixel: bytes) -> None:
    upload = {"image": SimpleUploadedFile("cover.png", pixel), "alt": "The cover"}
    response = clerk_api.post(f"/api/products/{atlas.pk}/images/", upload, format="multipart")
    assert response.status_code == 201
    images = clerk_api.get(f"/api/products/{atlas.pk}/").json()["images"]
    assert [image["alt"] for image in images] == ["The cover"]
    assert re.fullmatch(r"http://testserver/media/products/cover.*\.png", images[0]["image"])


def test_what_is_no_picture_is_refused(clerk_api: APIClient, atlas: Product) -> None:
    upload = {"image": SimpleUploadedFile("cover.png", b"not a picture")}
    response = clerk_api.post(f"/api/products/{atlas.pk}/images/", upload, format="multipart")
    assert "valid image" in response.json()["errors"]["image"][0]


def test_a_category_counts_the_products_it_offers(api: APIClient, make_product: MakeProduct) -> None:
    make_product("Atlas")
    make_product("Secret", is_active=False)
    assert api.get("/api/categories/").json()["results"][0]["product_count"] == 1
