"""What holds for the whole API: errors, throttling, tokens, slashes."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from legacy.accounts.models import User
from legacy.shop.models import Product


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """DRF's throttle rates, to change for one test."""
    changed = dict(SimpleRateThrottle.THROTTLE_RATES)
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", changed)
    return changed


def test_the_root_links_to_the_lists(api: APIClient) -> None:
    assert api.get("/api/").json()["products"] == "http://testserver/api/products/"


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("get", "/api/products/1/", 404, {"code": "not_found", "detail": "No Product matches the given query."}),
        ("post", "/api/cart/", 405, {"code": "method_not_allowed", "detail": 'Method "POST" not allowed.'}),
        (
            "get",
            "/api/orders/",
            403,
            {"code": "not_authenticated", "detail": "Authentication credentials were not provided."},
        ),
    ],
)
def test_every_error_has_a_code_and_a_detail(
    api: APIClient, method: str, path: str, status: int, body: dict[str, Any]
) -> None:
    response = getattr(api, method)(path)
    assert (response.status_code, response.json()) == (status, body)


def test_malformed_json_is_an_error_of_the_same_shape(api: APIClient) -> None:
    response = api.post("/api/cart/items/", "{", content_type="application/json")
    assert response.status_code == 400
    assert response.json()["code"] == "parse_error"


def test_a_form_is_as_good_as_json(client: Client, atlas: Product) -> None:
    assert client.post("/api/cart/items/", {"product": atlas.pk}).status_code == 201


def test_a_missing_slash_is_added(api: APIClient) -> None:
    response = api.get("/api/products?page=1")
    assert (response.status_code, response.headers["Location"]) == (301, "/api/products/?page=1")


def test_options_describe_a_list(api: APIClient) -> None:
    response = api.options("/api/products/")
    assert response.headers["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert response.json()["name"] == "Product List"


def test_a_browser_gets_a_page(client: Client, atlas: Product) -> None:
    response = client.get("/api/products/", headers={"Accept": "text/html"})
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_password_is_exchanged_for_a_token(api: APIClient, ada: User) -> None:
    token = api.post("/api/token/", {"username": "ada", "password": "ada"}).json()["token"]
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert api.get("/api/orders/").status_code == 200


def test_a_wrong_password_gets_no_token(api: APIClient, ada: User) -> None:
    response = api.post("/api/token/", {"username": "ada", "password": "eve"})
    assert response.status_code == 400
    assert response.json()["errors"] == {"non_field_errors": ["Unable to log in with provided credentials."]}


def test_an_unknown_token_is_refused(api: APIClient) -> None:
    api.credentials(HTTP_AUTHORIZATION="Token nonsense")
    response = api.get("/api/products/")
    assert response.json() == {"code": "authentication_failed", "detail": "Invalid token."}


def test_anonymous_callers_are_throttled(api: APIClient, rates: dict[str, str | None]) -> None:
    rates["anon"] = "1/minute"
    api.get("/api/products/")
    response = api.get("/api/products/")
    assert (response.status_code, response.json()["code"]) == (429, "throttled")
    assert 0 < int(response.headers["Retry-After"]) <= 60


def test_each_customer_is_throttled_alone(
    ada_api: APIClient, api: APIClient, grace: User, rates: dict[str, str | None]
) -> None:
    rates["user"] = "1/minute"
    api.force_login(grace)
    ada_api.get("/api/products/")
    assert ada_api.get("/api/products/").status_code == 429
    assert api.get("/api/products/").status_code == 200


def test_writing_has_a_rate_of_its_own(ada_api: APIClient, rates: dict[str, str | None]) -> None:
    rates["write"] = "1/minute"
    ada_api.post("/api/reviews/", {})
    assert ada_api.post("/api/reviews/", {}).status_code == 429
    assert ada_api.get("/api/reviews/").status_code == 200


def test_an_empty_rate_means_unlimited(api: APIClient, rates: dict[str, str | None]) -> None:
    rates["anon"] = None
    assert {api.get("/api/cart/").status_code for _ in range(5)} == {200}
