"""`gateway brief`: what there is to know of one endpoint, on one page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import path
from rest_framework.generics import ListAPIView
from rest_framework.permissions import BasePermission, IsAdminUser

from gateway.workbench.brief import Brief, brief_of
from gateway.workbench.corpus import Case, Corpus, RecordedResponse, User, write_corpus
from gateway.workbench.inventory import find
from legacy.shop.api.serializers import ProductSerializer
from legacy.shop.models import Product


class Owner(BasePermission):
    """A permission of this file's."""


PRODUCT = "GET /api/products/{id}/"


def brief(text: str, *cases: Case) -> Brief:
    return brief_of(find(text), Corpus(cases))


def names(found: Brief, role: str) -> list[str]:
    return [source.name.rpartition(".")[2] for source in found.sources if source.role == role]


def test_the_view_comes_first_with_its_source():
    first, *_ = brief(PRODUCT).sources
    assert (first.role, first.name) == ("view", "legacy.shop.api.views.ProductViewSet")
    assert first.text is not None
    assert first.text.startswith("class ProductViewSet(")
    assert Path(first.file).read_text().splitlines()[first.line - 1].startswith("class ProductViewSet")


def test_the_serializer_is_that_of_the_action_with_those_in_it():
    assert names(brief(PRODUCT), "serializer") == [
        "ProductDetailSerializer",
        "CategoryRefSerializer",
        "ProductImageSerializer",
    ]
    assert names(brief("GET /api/products/"), "serializer") == ["ProductSerializer", "CategoryRefSerializer"]


def test_what_a_class_of_the_project_inherits_from_the_project_is_there_too():
    assert names(brief(PRODUCT), "base of a serializer") == ["ProductSerializer"]


def test_what_is_installed_is_named_and_not_quoted():
    [permission, *_] = [one for one in brief(PRODUCT).sources if one.role == "permission"]
    assert permission.name.startswith("rest_framework.permissions.")
    assert permission.text is None


def test_each_class_is_there_once():
    found = [source.name for source in brief(PRODUCT).sources]
    assert len(found) == len(set(found))


def test_the_sql_of_the_queryset_is_shown_without_asking_a_database():
    found = brief(PRODUCT)  # no test may ask one unless it says so
    assert found.sql is not None
    assert 'FROM "shop_product"' in found.sql
    assert found.notes == []


def test_a_queryset_that_wants_a_user_says_so_and_that_of_the_class_is_shown():
    found = brief("GET /api/orders/")
    assert found.sql is not None
    assert 'FROM "shop_order"' in found.sql
    assert [note.partition(":")[0] for note in found.notes] == ["get_queryset() wants a request"]


def test_a_function_is_its_own_source():
    [source] = brief("/").sources[:1]
    assert source.role == "view"


def test_recorded_cases_of_the_endpoint_are_shown_one_for_each_status_first():
    def case(number: int, status: int, method: str = "GET") -> Case:
        path = f"/api/products/{number}/"
        return Case("/api/products/{pk}/", method, path, user=User("user", "7"), answer=RecordedResponse(status))

    found = brief(PRODUCT, case(1, 200), case(2, 200), case(3, 404), case(4, 204, "DELETE"))
    assert [(one.path, one.answer and one.answer.status) for one in found.cases] == [
        ("/api/products/1/", 200),
        ("/api/products/3/", 404),
        ("/api/products/2/", 200),
    ]


class Listed(ListAPIView):
    """A view of this file's."""

    queryset = Product.objects.none()
    serializer_class = ProductSerializer
    permission_classes = (IsAdminUser & Owner,)


class Unmade(Listed):
    def __init__(self, **options: Any) -> None:
        raise LookupError("tenant")


urlpatterns = [
    path("listed/", Listed.as_view()),
    path("unmade/", Unmade.as_view()),
]


def test_parts_of_a_combined_permission_have_their_source(settings):
    settings.ROOT_URLCONF = __name__
    assert names(brief("/listed/"), "permission") == ["IsAdminUser", "Owner"]


def test_a_queryset_without_rows_says_so(settings):
    settings.ROOT_URLCONF = __name__
    assert brief("/listed/").sql == "-- no row, whatever is there"


def test_of_a_view_that_cant_be_made_there_is_its_own_source(settings):
    settings.ROOT_URLCONF = __name__
    found = brief("/unmade/")
    assert [(source.role, source.name.rpartition(".")[2]) for source in found.sources] == [("view", "Unmade")]
    assert found.sql is None


def test_a_source_that_is_too_long_is_cut_and_says_so(settings, monkeypatch):
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr("gateway.workbench.brief.sources.LONGEST", 20)
    text = brief("/listed/").sources[0].text
    assert text is not None
    assert text.startswith("class Listed(ListAPI\n# … ")
    assert text.endswith(" more characters\n")


# -- the command ------------------------------------------------------------------------------------


@pytest.fixture
def asked(invoke: Callable[..., Any], rollout: Callable[..., Any]) -> Callable[..., Any]:
    rollout()
    return invoke


def test_the_page_is_markdown_with_the_code_in_it(asked):
    page = asked("brief", PRODUCT).stdout
    assert page.startswith("# GET /api/products/{pk}/\n")
    assert "```python\nclass ProductViewSet(" in page
    assert "## SQL\n\n```sql\nSELECT " in page


def test_an_endpoint_that_is_not_there_ends_with_1_and_names_what_is_near(asked):
    result = asked("brief", "GET /api/product/")
    assert result.exit_code == 1
    assert "/api/products/" in result.stderr


def test_recordings_are_shown_with_who_asked(asked, tmp_path):
    corpus = tmp_path / "recorded.jsonl"
    write_corpus(
        Corpus((Case("/api/products/{pk}/", "GET", "/api/products/1/", answer=RecordedResponse(200)),)), corpus
    )
    assert (
        "- GET /api/products/1/ as anonymous: 200, 1 times" in asked("brief", PRODUCT, "--corpus", str(corpus)).stdout
    )
    document = json.loads(asked("brief", PRODUCT, "--corpus", str(corpus), "--json").stdout)
    assert [case["path"] for case in document["cases"]] == ["/api/products/1/"]
