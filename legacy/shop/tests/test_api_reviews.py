"""`/api/reviews/`: customers write, authors change."""

from typing import Any

import pytest
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from legacy.accounts.models import User
from legacy.conftest import MakeProduct
from legacy.shop.models import Product, Review


@pytest.fixture
def review(ada: User, atlas: Product) -> Review:
    """Ada's review of the atlas."""
    return Review.objects.create(product=atlas, author=ada, rating=5, title="Splendid")


@pytest.fixture
def grace_api(grace: User) -> APIClient:
    """The API as Grace sees it."""
    client = APIClient()
    client.force_login(grace)
    return client


def body(product: Product, **changes: Any) -> dict[str, Any]:
    """A valid review."""
    return {"product": product.pk, "rating": 4, "title": "Good", "text": "Heavy."} | changes


def test_everybody_reads_reviews_newest_first(api: APIClient, review: Review, grace: User) -> None:
    Review.objects.create(product=review.product, author=grace, rating=1, title="Dull")
    titles = [item["title"] for item in api.get("/api/reviews/").json()["results"]]
    assert titles == ["Dull", "Splendid"]


def test_a_review_has_this_shape(api: APIClient, review: Review) -> None:
    answer = api.get(f"/api/reviews/{review.pk}/").json()
    assert list(answer) == ["id", "product", "author", "rating", "title", "text", "created"]
    assert answer["author"] == {"id": review.author_id, "username": "ada"}


def test_the_reviews_of_one_product_are_found(
    api: APIClient, review: Review, make_product: MakeProduct, ada: User
) -> None:
    Review.objects.create(product=make_product("Kite"), author=ada, rating=2, title="Torn")
    results = api.get(f"/api/reviews/?product={review.product_id}").json()["results"]
    assert [item["title"] for item in results] == ["Splendid"]


def test_the_caller_becomes_the_author(ada_api: APIClient, ada: User, grace: User, atlas: Product) -> None:
    response = ada_api.post("/api/reviews/", body(atlas, author=grace.pk))
    assert response.status_code == 201
    assert response.json()["author"]["username"] == "ada"


def test_writing_needs_a_login(api: APIClient, atlas: Product) -> None:
    response = api.post("/api/reviews/", body(atlas))
    assert response.status_code == 403
    assert response.json()["code"] == "not_authenticated"


def test_a_session_without_a_csrf_token_writes_nothing(ada: User, atlas: Product) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post("/api/reviews/", body(atlas)).status_code == 403


def test_a_token_writes_without_a_csrf_token(ada: User, atlas: Product) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=ada).key}")
    assert client.post("/api/reviews/", body(atlas)).status_code == 201


def test_a_product_is_reviewed_once(ada_api: APIClient, review: Review) -> None:
    response = ada_api.post("/api/reviews/", body(review.product))
    assert response.status_code == 400
    assert response.json()["errors"] == {"product": ["You have already reviewed this product."]}


def test_a_product_that_is_not_offered_is_not_reviewed(ada_api: APIClient, make_product: MakeProduct) -> None:
    response = ada_api.post("/api/reviews/", body(make_product("Secret", is_active=False)))
    assert response.json()["errors"] == {"product": ["This product is not for sale."]}


@pytest.mark.parametrize("rating", [0, 6])
def test_ratings_go_from_one_to_five(ada_api: APIClient, atlas: Product, rating: int) -> None:
    assert "rating" in ada_api.post("/api/reviews/", body(atlas, rating=rating)).json()["errors"]


def test_the_author_changes_the_review(ada_api: APIClient, review: Review) -> None:
    assert ada_api.patch(f"/api/reviews/{review.pk}/", {"rating": 3}).json()["rating"] == 3


def test_a_review_stays_with_its_product(ada_api: APIClient, review: Review, make_product: MakeProduct) -> None:
    response = ada_api.patch(f"/api/reviews/{review.pk}/", {"product": make_product("Kite").pk})
    assert response.json()["errors"] == {"product": ["A review stays with its product."]}


@pytest.mark.parametrize("method", ["patch", "put", "delete"])
def test_nobody_else_changes_the_review(grace_api: APIClient, review: Review, method: str) -> None:
    response = getattr(grace_api, method)(f"/api/reviews/{review.pk}/", body(review.product))
    assert response.status_code == 403
    assert response.json()["code"] == "permission_denied"


def test_the_author_deletes_the_review(ada_api: APIClient, review: Review) -> None:
    assert ada_api.delete(f"/api/reviews/{review.pk}/").status_code == 204
    assert not Review.objects.exists()
