"""`/api/quotes/{product}/`: asking suppliers on real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from rest_framework.test import APIClient

from legacy.conftest import MakeProduct
from legacy.shop.models import Product
from legacy.suppliers.quotes import http_client
from legacy.suppliers.stub import StubSupplier, quote, serving

if TYPE_CHECKING:
    from pytest_django import Settings

NAMES = ("acme", "globex", "initech")


@pytest.fixture(autouse=True)
def _connections() -> Iterator[None]:
    """Close what one test has opened before its stub goes away."""
    yield
    http_client().close()
    http_client.cache_clear()


@pytest.fixture
def stub(settings: Settings) -> Iterator[StubSupplier]:
    """Three suppliers that answer at once."""
    stub = StubSupplier()
    with serving(stub) as url:
        settings.SUPPLIERS = {name: f"{url}/suppliers/{name}" for name in NAMES}
        yield stub


def ask(api: APIClient, product: Product, status: int = 200) -> dict[str, Any]:
    """The answer for a product."""
    response = api.get(f"/api/quotes/{product.pk}/")
    assert response.status_code == status
    body: dict[str, Any] = response.json()
    return body


def test_every_suppliers_quote_is_listed_cheapest_first(api: APIClient, atlas: Product, stub: StubSupplier) -> None:
    offers = [quote(name, atlas.sku) for name in NAMES]
    expected = [{key: offer[key] for key in ("supplier", "price", "currency", "delivery_days")} for offer in offers]
    assert ask(api, atlas) == {
        "product": atlas.pk,
        "sku": "T-1",
        "quotes": sorted(expected, key=lambda offer: float(offer["price"])),
        "unavailable": [],
    }


def test_suppliers_are_asked_one_after_another(api: APIClient, atlas: Product, stub: StubSupplier) -> None:
    stub.latency = 0.05
    ask(api, atlas)
    assert stub.most_at_once == 1


def test_a_supplier_that_refuses_is_named_and_the_others_are_listed(
    api: APIClient, atlas: Product, stub: StubSupplier
) -> None:
    stub.down = frozenset({"globex"})
    answer = ask(api, atlas)
    assert {offer["supplier"] for offer in answer["quotes"]} == {"acme", "initech"}
    assert answer["unavailable"] == [{"supplier": "globex", "reason": "refused"}]


def test_a_supplier_that_is_too_slow_is_given_up(
    api: APIClient, atlas: Product, stub: StubSupplier, settings: Settings
) -> None:
    stub.latency, settings.SUPPLIERS_TIMEOUT = 0.2, 0.02
    answer = ask(api, atlas, status=502)
    assert {failure["reason"] for failure in answer["unavailable"]} == {"timeout"}


def test_without_any_supplier_the_answer_is_a_bad_gateway(api: APIClient, atlas: Product, settings: Settings) -> None:
    with serving(StubSupplier()) as url:
        gone = url
    settings.SUPPLIERS = {name: f"{gone}/suppliers/{name}" for name in NAMES}
    answer = ask(api, atlas, status=502)
    assert answer["quotes"] == []
    assert answer["unavailable"] == [{"supplier": name, "reason": "unreachable"} for name in NAMES]


def test_a_supplier_that_answers_nonsense_is_named(
    api: APIClient, atlas: Product, stub: StubSupplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("legacy.suppliers.stub.quote", lambda name, sku: {"price": "a lot"})
    answer = ask(api, atlas, status=502)
    assert {failure["reason"] for failure in answer["unavailable"]} == {"garbled"}


def test_an_sku_with_a_slash_stays_one_segment(api: APIClient, make_product: MakeProduct, stub: StubSupplier) -> None:
    answer = ask(api, make_product("Odd", sku="A/B"), status=502)
    assert {failure["reason"] for failure in answer["unavailable"]} == {"refused"}


def test_an_unknown_product_is_not_found(api: APIClient) -> None:
    assert api.get("/api/quotes/404/").json()["code"] == "not_found"
