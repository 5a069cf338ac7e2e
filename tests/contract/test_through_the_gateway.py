"""What did not move works as before, and together with what did: pages, sessions, CSRF, the admin, static files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from legacy.accounts.models import User
from legacy.shop.models import Order, Review
from tests.contract.targets import Browser

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    import httpx


def log_in(browser: Browser, path: str, name: str) -> httpx.Response:
    """Open the login page, which sets the CSRF cookie, and send the form."""
    browser.get(path)
    return browser.post(path, {"username": name, "password": name})


def test_staff_log_into_the_admin(browser: Browser) -> None:
    answer = log_in(browser, "/admin/login/?next=/admin/", "boss")
    assert (answer.status_code, answer.headers["location"]) == (302, "/admin/")
    page = browser.get("/admin/shop/product/")
    assert (page.status_code, page.headers["x-served-by"]) == (200, "legacy")
    assert "Atlas" in page.text


def test_a_form_without_csrf_token_is_refused(browser: Browser) -> None:
    assert browser.post("/admin/login/", {"username": "boss", "password": "boss"}).status_code == 403


@pytest.mark.parametrize("path", ["/static/admin/css/base.css", "/static/shop/shop.css"])
def test_style_sheets_are_served(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert len(answer.content) > 100


def test_the_cart_is_kept_in_the_session(browser: Browser) -> None:
    browser.get("/products/product-1/")
    added = browser.post("/api/cart/items/", {"product": 1, "quantity": 2})
    assert (added.status_code, added.headers["x-served-by"]) == (201, "cart")
    assert browser.get("/api/products/1/").headers["x-served-by"] == "catalog"
    assert browser.get("/api/cart/").json()["count"] == 2
    assert "Atlas" not in browser.get("/cart/").text
    assert "Bucket “1” &amp; Co" in browser.get("/cart/").text


def test_half_of_the_cart_has_moved_and_it_is_still_one_cart(browser: Browser) -> None:
    """Both sides add, change and show what the other has left in the session."""
    log_in(browser, "/accounts/login/", "ada")
    steps = [
        ("POST", "/api/cart/items/", {"product": 5, "quantity": 1}, {5: 1}, "cart"),
        ("PATCH", "/api/cart/items/", {"product": 5, "quantity": 7}, {5: 7}, "legacy"),
        ("GET", "/api/cart/", None, {5: 7}, "cart"),
        ("POST", "/api/cart/items/", {"product": 6, "quantity": 2}, {5: 7, 6: 2}, "cart"),
        ("POST", "/cart/add/product-7/", {"quantity": 1}, None, "legacy"),
        ("GET", "/api/cart/", None, {5: 7, 6: 2, 7: 1}, "cart"),
        ("DELETE", "/api/cart/items/5/", None, {6: 2, 7: 1}, "legacy"),
        ("POST", "/api/cart/items/", {"product": 5, "quantity": 1}, {6: 2, 7: 1, 5: 1}, "cart"),
        ("DELETE", "/api/cart/items/", None, {}, "legacy"),
        ("GET", "/api/cart/", None, {}, "cart"),
        ("POST", "/api/cart/items/", {"product": 9, "quantity": 1}, {9: 1}, "cart"),
    ]
    for method, path, data, expected, upstream in steps:
        answer = browser.request(method, path, data)
        assert answer.headers["x-served-by"] == upstream
        if expected is not None:
            shown = {line["product"]["id"]: line["quantity"] for line in answer.json()["items"]}
            assert list(shown.items()) == list(expected.items())


def test_a_cart_survives_the_login(browser: Browser) -> None:
    """Django gives the session a new key then; a visitor's cart goes with it."""
    browser.post("/api/cart/items/", {"product": 5, "quantity": 3})
    before = browser.cookie("sessionid")
    log_in(browser, "/accounts/login/", "grace")
    assert browser.cookie("sessionid") != before
    assert browser.get("/api/cart/").json()["count"] == 3


def test_nothing_is_left_of_a_cart_after_the_logout(browser: Browser) -> None:
    log_in(browser, "/accounts/login/", "grace")
    browser.post("/api/cart/items/", {"product": 5, "quantity": 3})
    browser.post("/accounts/logout/")
    assert browser.get("/api/cart/").json()["count"] == 0


def test_a_cart_is_ordered_shown_and_cancelled(browser: Browser) -> None:
    """Placing it has moved, the rest is Django's."""
    log_in(browser, "/accounts/login/", "alan")
    browser.post("/api/cart/items/", {"product": 11, "quantity": 2})
    placed = browser.post("/api/orders/", {"address": "Ermou 12"})
    assert (placed.status_code, placed.headers["x-served-by"]) == (201, "orders")
    number = placed.json()["id"]
    assert browser.get("/api/cart/").json()["count"] == 0
    assert browser.get(f"/api/orders/{number}/").json() == placed.json()
    assert browser.get("/api/products/11/").json()["stock"] == 1
    assert browser.post(f"/api/orders/{number}/cancel/").json()["status"] == "cancelled"
    assert browser.get("/api/products/11/").json()["stock"] == 3
    Order.objects.all().delete()


def test_a_customer_who_is_locked_out_orders_nothing(browser: Browser) -> None:
    log_in(browser, "/accounts/login/", "alan")
    User.objects.filter(username="alan").update(is_active=False)
    try:
        assert browser.post("/api/orders/", {"address": "Ermou 12"}).status_code == 403
    finally:
        User.objects.filter(username="alan").update(is_active=True)


def test_a_customer_writes_a_review_and_the_service_shows_the_rating(browser: Browser) -> None:
    assert log_in(browser, "/accounts/login/", "ada").status_code == 302
    answer = browser.post("/api/reviews/", {"product": 20, "rating": 5, "title": "Good"})
    assert (answer.status_code, answer.headers["x-served-by"]) == (201, "reviews")
    product = browser.get("/api/products/20/")
    Review.objects.filter(product_id=20).delete()
    assert product.headers["x-served-by"] == "catalog"
    assert product.json()["rating"] == {"average": 5.0, "count": 1}


def test_an_anonymous_review_is_refused(browser: Browser) -> None:
    answer = browser.post("/api/reviews/", {"product": 1, "rating": 5, "title": "Good"})
    assert (answer.status_code, answer.headers["x-served-by"]) == (403, "reviews")


def test_a_logged_in_customer_gets_the_same_product(browser: Browser) -> None:
    before = browser.get("/api/products/1/").content
    log_in(browser, "/accounts/login/", "grace")
    assert browser.get("/api/products/1/").content == before


def test_the_price_list_is_streamed(browser: Browser) -> None:
    answer = browser.get("/export/products.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.count("\n") > 40


def test_every_answer_says_who_gave_it_and_has_an_id(browser: Browser) -> None:
    seen = [browser.get(path).headers for path in ("/products/", "/api/products/", "/nowhere/")]
    assert [headers["x-served-by"] for headers in seen] == ["legacy", "catalog", "legacy"]
    assert len({headers["x-request-id"] for headers in seen}) == 3
    assert all(re.fullmatch(r"[\w.:/+=-]+", headers["x-request-id"]) for headers in seen)
