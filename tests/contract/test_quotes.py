"""`/api/quotes/{id}/` with suppliers that answer, fail and are late: the same answers, sooner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from legacy.suppliers.quotes import http_client
from legacy.suppliers.stub import StubSupplier, serving
from tests.contract.targets import Application, Django, Target

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.slow  # it waits for suppliers

NAMES = ("acme", "globex", "initech")
QUOTES = "/api/quotes/1/"


@pytest.fixture
def stub(settings: Settings) -> Iterator[StubSupplier]:
    """Three suppliers that answer at once."""
    stub = StubSupplier()
    with serving(stub) as url:
        settings.SUPPLIERS = {name: f"{url}/suppliers/{name}" for name in NAMES}
        yield stub
        http_client().close()  # its connections end with the stub
        http_client.cache_clear()


def both(target: Target, legacy: Django) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    """Status and body of the target's answer, and of Django's."""
    answers = [side.ask("GET", QUOTES, {}) for side in (target, legacy)]
    return (answers[0].status, answers[0].body), (answers[1].status, answers[1].body)


def test_offers_are_listed_cheapest_first(target: Target, legacy: Django, stub: StubSupplier) -> None:
    answer, expected = both(target, legacy)
    assert answer == expected
    prices = [float(offer["price"]) for offer in json.loads(answer[1])["quotes"]]
    assert len(prices) == 3
    assert prices == sorted(prices)


@pytest.mark.parametrize(("down", "status"), [(NAMES[:1], 200), (NAMES[1:], 200), (NAMES, 502)])
def test_suppliers_that_refuse_are_named(
    target: Target, legacy: Django, stub: StubSupplier, down: tuple[str, ...], status: int
) -> None:
    stub.down = frozenset(down)
    answer, expected = both(target, legacy)
    assert answer == expected
    assert answer[0] == status


def test_suppliers_that_are_late_are_given_up(
    target: Target, legacy: Django, stub: StubSupplier, settings: Settings
) -> None:
    stub.latency, settings.SUPPLIERS_TIMEOUT = 0.2, 0.02
    answer, expected = both(target, legacy)
    assert answer == expected
    assert answer[0] == 502


def test_suppliers_that_are_gone_are_named(target: Target, legacy: Django, settings: Settings) -> None:
    with serving(StubSupplier()) as url:
        gone = url
    settings.SUPPLIERS = {name: f"{gone}/suppliers/{name}" for name in NAMES}
    answer, expected = both(target, legacy)
    assert answer == expected
    assert answer[0] == 502


@pytest.mark.parametrize(
    "offer",
    [
        {"price": "a lot"},
        {"price": "1.005", "currency": "EUR", "delivery_days": 2},
        {"price": 3, "currency": None, "delivery_days": "4"},
        {"price": "1E+2", "currency": "€", "delivery_days": 5.9},
        {"price": "1.00", "currency": "EUR", "delivery_days": None},
        {},
    ],
    ids=str,
)
def test_odd_offers_are_read_alike(
    target: Target, legacy: Django, stub: StubSupplier, monkeypatch: pytest.MonkeyPatch, offer: dict[str, Any]
) -> None:
    monkeypatch.setattr("legacy.suppliers.stub.quote", lambda name, sku: offer)
    answer, expected = both(target, legacy)
    assert answer == expected


def test_the_service_asks_all_suppliers_at_once(gateway: Application, stub: StubSupplier) -> None:
    stub.latency = 0.3
    assert gateway.ask("GET", QUOTES, {}).status == 200
    assert stub.most_at_once == 3


def test_waiting_for_suppliers_holds_no_thread(gateway: Application, stub: StubSupplier) -> None:
    """A hundred callers wait together, with 40 threads in FastAPI's pool."""
    stub.latency = 0.5

    async def crowd() -> list[int]:
        async with gateway.client() as client:
            answers = [client.get(QUOTES) for _ in range(100)]
            return [answer.status_code for answer in await asyncio.gather(*answers)]

    assert gateway.run(crowd()) == [200] * 100
    assert stub.most_at_once > 40 * 3
