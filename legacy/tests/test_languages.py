"""Two languages, one time zone."""

from pathlib import Path

from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from legacy.accounts.models import User
from legacy.shop.models import Product


def test_pages_are_english_by_default(client: Client, db: None) -> None:
    assert "Your cart is empty." in client.get("/cart/").content.decode()


def test_the_browsers_language_is_used(client: Client, db: None) -> None:
    page = client.get("/cart/", headers={"Accept-Language": "el"})
    assert "Το καλάθι σας είναι άδειο." in page.content.decode()


def test_a_chosen_language_is_remembered(client: Client, db: None) -> None:
    client.post("/i18n/setlang/", {"language": "el", "next": "/cart/"})
    assert '<html lang="el">' in client.get("/cart/").content.decode()


def test_prices_are_written_as_the_language_does(client: Client, atlas: Product) -> None:
    page = client.get("/products/", headers={"Accept-Language": "el"})
    assert "€ 20,00" in page.content.decode()


def test_the_api_explains_errors_in_the_callers_language(ada_api: APIClient) -> None:
    response = ada_api.post("/api/orders/", {"address": "x"}, headers={"Accept-Language": "el"})
    assert response.json()["detail"] == "Τα δεδομένα δεν είναι έγκυρα."


def test_the_api_writes_prices_the_same_in_every_language(api: APIClient, atlas: Product) -> None:
    product = api.get(f"/api/products/{atlas.pk}/", headers={"Accept-Language": "el"}).json()
    assert product["price"] == "20.00"


def test_the_api_writes_dates_in_the_shops_time_zone(api: APIClient, ada: User, atlas: Product) -> None:
    created = api.get(f"/api/products/{atlas.pk}/").json()["created"]
    assert created.endswith(("+02:00", "+03:00"))


def test_every_message_is_translated() -> None:
    catalogue = (Path(settings.LOCALE_PATHS[0]) / "el/LC_MESSAGES/django.po").read_text()
    untranslated = [entry for entry in catalogue.split("\n\n")[1:] if 'msgstr ""\n' in f"{entry}\n"]
    assert untranslated == []
