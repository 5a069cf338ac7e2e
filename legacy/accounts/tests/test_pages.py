"""Sign-up, login, logout and one's own details."""

from django.test import Client

from legacy.accounts.models import User
from legacy.shop.models import Product

NEW = {
    "username": "alan",
    "email": "alan@example.com",
    "password1": "correct horse 9",
    "password2": "correct horse 9",
}


def test_signing_up_creates_a_customer_and_logs_in(client: Client, db: None) -> None:
    client.post("/accounts/sign-up/", NEW)
    assert client.session["_auth_user_id"] == str(User.objects.get(username="alan").pk)


def test_signing_up_greets_the_customer(client: Client, db: None) -> None:
    page = client.post("/accounts/sign-up/", NEW, follow=True)
    assert "Welcome, alan!" in page.content.decode()


def test_signing_up_keeps_the_cart(client: Client, atlas: Product) -> None:
    client.post(f"/cart/add/{atlas.slug}/", {"quantity": 2})
    client.post("/accounts/sign-up/", NEW)
    assert "Atlas" in client.get("/cart/").content.decode()


def test_an_e_mail_address_signs_up_once(client: Client, ada: User) -> None:
    page = client.post("/accounts/sign-up/", NEW | {"email": ada.email})
    assert "already exists" in page.content.decode()


def test_a_weak_password_is_refused(client: Client, db: None) -> None:
    client.post("/accounts/sign-up/", NEW | {"password1": "123", "password2": "123"})
    assert not User.objects.exists()


def test_logging_in_returns_to_where_the_customer_was(client: Client, ada: User) -> None:
    login = {"username": "ada", "password": "ada", "next": "/cart/"}
    assert client.post("/accounts/login/", login).headers["Location"] == "/cart/"


def test_a_wrong_password_does_not_log_in(client: Client, ada: User) -> None:
    client.post("/accounts/login/", {"username": "ada", "password": "eve"})
    assert "_auth_user_id" not in client.session


def test_logging_out_ends_the_session(as_ada: Client) -> None:
    as_ada.post("/accounts/logout/")
    assert "_auth_user_id" not in as_ada.session


def test_logging_out_by_a_link_is_refused(as_ada: Client) -> None:
    assert as_ada.get("/accounts/logout/").status_code == 405


def test_forms_without_a_csrf_token_are_refused(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/accounts/login/", {"username": "ada", "password": "ada"}).status_code == 403


def test_customers_change_their_own_details(as_ada: Client, ada: User) -> None:
    as_ada.post("/accounts/profile/", {"email": ada.email, "address": "Chania"})
    ada.refresh_from_db()
    assert ada.address == "Chania"


def test_details_need_a_login(client: Client, db: None) -> None:
    assert client.get("/accounts/profile/").headers["Location"].startswith("/accounts/login/")
