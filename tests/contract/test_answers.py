"""The moved endpoints answer as Django does: the status, every byte of the body, every header but a few."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from rest_framework.throttling import SimpleRateThrottle

from tests.contract.cases import DIFFERENT, IGNORED_HEADERS, SAME, Case
from tests.contract.targets import Answer, Application, Django, Target

pytestmark = pytest.mark.table

if TYPE_CHECKING:
    from pytest_django import Settings

CSRF_TOKEN = re.compile(rb"\b[A-Za-z0-9]{64}\b")  # of Django's HTML pages, new on each


def ask(target: Target, case: Case) -> Answer:
    return target.ask(case.method, case.path, case.headers)


def compared(answer: Answer, case: Case) -> tuple[int, dict[str, str], frozenset[str], bytes]:
    """What has to be equal."""
    left_out = IGNORED_HEADERS | case.other_headers
    headers = {name: in_order(name, value) for name, value in answer.headers.items() if name not in left_out}
    # An answer without a body needs no length, and Django gives none with a redirect.
    if not answer.body and headers.get("content-length") == "0":
        del headers["content-length"]
    return answer.status, headers, answer.cookies, CSRF_TOKEN.sub(b"token", answer.body)


def in_order(name: str, value: str) -> str:
    """The value of a header. Allow lists its methods in any order."""
    return ", ".join(sorted(value.split(", "))) if name == "allow" else value


def methods(answer: Answer) -> set[str]:
    return {method.strip() for method in answer.headers.get("allow", "").split(",")}


@pytest.mark.parametrize("case", SAME, ids=str)
def test_the_answer_is_djangos(target: Target, legacy: Django, case: Case) -> None:
    answer = ask(target, case)
    assert answer.status == case.status
    assert compared(answer, case) == compared(ask(legacy, case), case)


@pytest.mark.parametrize("case", DIFFERENT, ids=str)
def test_the_answer_is_djangos_but_for_known_differences(
    request: pytest.FixtureRequest, target: Target, legacy: Django, case: Case
) -> None:
    name = request.node.callspec.params["target"]
    answer, expected = compared(ask(target, case), case), compared(ask(legacy, case), case)
    known = case.differs.get(name)
    assert answer[0] == (known.status if known else case.status)
    assert (answer == expected) is (known is None)


@pytest.mark.parametrize(
    "case", [case for case in DIFFERENT if case.method == "OPTIONS" or case.status == 405], ids=str
)
def test_allow_has_the_methods_of_both_sides(gateway: Application, legacy: Django, case: Case) -> None:
    assert methods(ask(gateway, case)) == methods(ask(legacy, case))


@pytest.mark.parametrize(
    ("method", "path", "upstream"),
    [
        ("GET", "/api/products/", "catalog"),
        ("HEAD", "/api/products/", "catalog"),
        ("GET", "/api/products/1/", "catalog"),
        ("GET", "/api/quotes/99999/", "quotes"),
        ("GET", "/services/catalog/docs", "catalog"),
        ("GET", "/services/quotes/openapi.json", "quotes"),
        ("OPTIONS", "/api/products/", "legacy"),
        ("POST", "/api/products/", "legacy"),
        ("GET", "/api/products", "legacy"),
        ("GET", "/api/products/abc/", "legacy"),
        ("GET", "/api/categories/", "legacy"),
        ("GET", "/api/", "legacy"),
        ("GET", "/products/", "legacy"),
        ("GET", "/api/reviews/", "reviews"),
        ("POST", "/api/reviews/", "reviews"),
        ("PATCH", "/api/reviews/1/", "legacy"),
        ("GET", "/api/cart/", "cart"),
        ("POST", "/api/cart/items/", "cart"),
        ("PATCH", "/api/cart/items/", "legacy"),
        ("DELETE", "/api/cart/items/", "legacy"),
        ("DELETE", "/api/cart/items/1/", "legacy"),
        ("POST", "/api/orders/", "orders"),
        ("GET", "/api/orders/", "legacy"),
        ("POST", "/api/orders/1/cancel/", "legacy"),
        ("GET", "/services/orders/docs", "orders"),
    ],
)
def test_each_request_goes_where_the_demo_says(gateway: Application, method: str, path: str, upstream: str) -> None:
    assert gateway.ask(method, path, {}).headers["x-served-by"] == upstream


@pytest.fixture
def closed(settings: Settings) -> Iterator[None]:
    """The shop is closed for maintenance."""
    settings.MAINTENANCE_FILE.touch()
    yield
    settings.MAINTENANCE_FILE.unlink()


@pytest.mark.parametrize("path", ["/api/products/", "/api/products/99999/"])
@pytest.mark.parametrize("language", ["en", "el"])
def test_maintenance_closes_what_moved_too(
    target: Target, legacy: Django, closed: None, path: str, language: str
) -> None:
    case = Case(path, 503, headers={"Accept-Language": language})
    answer = ask(target, case)
    assert (answer.status, answer.headers["retry-after"]) == (503, "120")
    assert compared(answer, case) == compared(ask(legacy, case), case)


def test_throttling_counts_what_moved_too(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anon": "1/day", "user": None, "write": None})
    cache.clear()
    answers = [target.ask("GET", "/api/products/?page_size=1", {}) for _ in range(2)]
    cache.clear()
    assert [answer.status for answer in answers] == [200, 429]
    assert json.loads(answers[1].body)["code"] == "throttled"
    assert 86300 < int(answers[1].headers["retry-after"]) <= 86400


def test_what_django_answered_counts_for_the_service(gateway: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anon": "1/day", "user": None, "write": None})
    cache.clear()
    answers = [gateway.ask("GET", path, {}) for path in ("/api/categories/", "/api/products/")]
    cache.clear()
    assert [(answer.status, answer.headers["x-served-by"]) for answer in answers] == [(200, "legacy"), (429, "catalog")]


SERVICES = ("catalog", "cart", "orders", "quotes", "reviews")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_pages_of_documentation(gateway: Application, service: str) -> None:
    answer = gateway.ask("GET", f"/services/{service}/docs", {"Accept": "text/html"})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"/services/{service}/openapi.json".encode() in answer.body


def document(gateway: Application, service: str) -> Any:
    return json.loads(gateway.ask("GET", f"/services/{service}/openapi.json", {}).body)


def test_the_catalogue_documents_its_filters(gateway: Application) -> None:
    found = document(gateway, "catalog")["paths"]["/api/products/"]["get"]["parameters"]
    names = {parameter["name"] for parameter in found}
    assert {"category", "price_min", "search", "ordering", "page", "page_size"} <= names


@pytest.mark.parametrize(
    ("service", "path", "model", "properties"),
    [
        ("cart", "/api/cart/items/", "CartItem", {"product": "integer", "quantity": "integer"}),
        ("orders", "/api/orders/", "OrderIn", {"address": "string", "note": "string", "lines": "array"}),
        ("reviews", "/api/reviews/", "ReviewIn", {"product": "integer", "rating": "integer", "title": "string"}),
    ],
)
def test_a_service_documents_the_bodies_it_takes(
    gateway: Application, service: str, path: str, model: str, properties: dict[str, str]
) -> None:
    found = document(gateway, service)
    body = found["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": f"#/components/schemas/{model}"}
    described = found["components"]["schemas"][model]["properties"]
    assert {name: described[name]["type"] for name in properties} == properties


@pytest.mark.parametrize("service", ["catalog", "cart", "orders", "reviews"])
def test_a_service_documents_no_422(gateway: Application, service: str) -> None:
    assert "422" not in json.dumps(document(gateway, service))
