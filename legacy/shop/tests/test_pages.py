"""Looking at products and reviewing them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from legacy.accounts.models import User
from legacy.conftest import MakeProduct
from legacy.shop.models import Category, Product, ProductImage, Review

REVIEW = {"rating": 5, "title": "Splendid", "text": "Every page."}


def names(page: str, *candidates: str) -> set[str]:
    """Which of the candidates the page mentions."""
    return {candidate for candidate in candidates if candidate in page}


def test_the_front_page_leads_to_the_products(client: Client, db: None) -> None:
    assert client.get("/").headers["Location"] == "/products/"


def test_a_missing_slash_is_added(client: Client, db: None) -> None:
    assert client.get("/products").headers["Location"] == "/products/"


def test_the_list_shows_products_with_their_price(client: Client, atlas: Product) -> None:
    page = client.get("/products/").content.decode()
    assert names(page, "Atlas", "€ 20.00") == {"Atlas", "€ 20.00"}


def test_withdrawn_products_are_not_listed(client: Client, make_product: MakeProduct) -> None:
    make_product("Secret", is_active=False)
    assert "Secret" not in client.get("/products/").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=atl", {"Atlas"}),
        ("category=toys", {"Kite"}),
        ("price_max=10", {"Kite"}),
        ("price_min=10", {"Atlas"}),
        ("in_stock=true", {"Atlas"}),
        ("", {"Atlas", "Kite"}),
    ],
)
def test_the_list_can_be_narrowed(client: Client, make_product: MakeProduct, query: str, found: set[str]) -> None:
    toys = Category.objects.create(name="Toys", slug="toys")
    make_product("Atlas")
    make_product("Kite", "5.00", stock=0, category=toys)
    assert names(client.get(f"/products/?{query}").content.decode(), "Atlas", "Kite") == found


def test_a_long_list_has_pages_that_keep_the_filter(client: Client, make_product: MakeProduct) -> None:
    for number in range(30):
        make_product(f"Atlas {number:02}")
    page = client.get("/products/?q=atlas").content.decode()
    assert 'href="?q=atlas&amp;page=2"' in page


def test_the_list_costs_the_same_queries_however_long(
    client: Client, make_product: MakeProduct, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        make_product(f"Atlas {number}")
    with django_assert_num_queries(3):
        client.get("/products/")


def test_a_product_shows_its_reviews(client: Client, atlas: Product, ada: User) -> None:
    Review.objects.create(product=atlas, author=ada, **REVIEW)
    page = client.get(f"/products/{atlas.slug}/").content.decode()
    assert names(page, "Splendid", "5.0 ★") == {"Splendid", "5.0 ★"}


def test_what_customers_write_is_escaped(client: Client, atlas: Product, ada: User) -> None:
    Review.objects.create(product=atlas, author=ada, rating=1, title="<script>")
    assert "<script>" not in client.get(f"/products/{atlas.slug}/").content.decode()


def test_an_unknown_product_is_not_found(client: Client, db: None) -> None:
    assert client.get("/products/nothing/").status_code == 404


def test_a_customer_adds_a_review(as_ada: Client, ada: User, atlas: Product) -> None:
    page = as_ada.post(f"/products/{atlas.slug}/review/", REVIEW, follow=True)
    assert Review.objects.get().author == ada
    assert "Thank you for your review." in page.content.decode()


def test_a_second_review_of_the_same_product_is_refused(as_ada: Client, atlas: Product) -> None:
    as_ada.post(f"/products/{atlas.slug}/review/", REVIEW)
    page = as_ada.post(f"/products/{atlas.slug}/review/", REVIEW)
    assert page.status_code == 400
    assert "You have already reviewed this product." in page.content.decode()


def test_a_rating_of_six_is_refused(as_ada: Client, atlas: Product) -> None:
    as_ada.post(f"/products/{atlas.slug}/review/", REVIEW | {"rating": 6})
    assert not Review.objects.exists()


def test_reviewing_needs_a_login(client: Client, atlas: Product) -> None:
    response = client.post(f"/products/{atlas.slug}/review/", REVIEW)
    assert response.headers["Location"].startswith("/accounts/login/")


def test_a_products_image_is_downloaded_as_a_file(client: Client, atlas: Product, pixel: bytes) -> None:
    ProductImage.objects.create(product=atlas, image=SimpleUploadedFile("a.png", pixel))
    response = client.get(f"/products/{atlas.slug}/image/")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{atlas.slug}.png"'
    assert response.getvalue() == pixel


def test_a_product_without_image_has_nothing_to_download(client: Client, atlas: Product) -> None:
    assert client.get(f"/products/{atlas.slug}/image/").status_code == 404
