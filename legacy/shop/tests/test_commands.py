"""`manage.py load_demo`, `demo_urls` and `maintenance`."""

import hashlib
import io
import json
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from legacy.accounts.models import User
from legacy.shop.models import Category, Order, OrderLine, Product, ProductImage, Review, Tenant

pytestmark = pytest.mark.long


def run(*command: str) -> str:
    """Run a command and return what it printed."""
    output = io.StringIO()
    call_command(*command, stdout=output, no_color=True)
    return output.getvalue()


def fingerprint(*querysets: models.QuerySet[Any, tuple[Any, ...]]) -> str:
    """A digest of what the tables hold, keys aside."""
    rows = json.dumps([list(queryset) for queryset in querysets], cls=DjangoJSONEncoder)
    return hashlib.sha256(rows.encode()).hexdigest()


def shop_data() -> str:
    """A digest of the whole demo."""
    return fingerprint(
        Product.objects.order_by("sku").values_list("sku", "slug", "price", "stock", "created", "category__slug"),
        Review.objects.order_by("created").values_list("product__sku", "author__username", "rating", "text"),
        Order.objects.order_by("created").values_list("customer__username", "status", "total", "created"),
        OrderLine.objects.order_by("order__created", "id").values_list("product__sku", "quantity"),
    )


def test_the_demo_is_what_it_was(db: None) -> None:
    run("load_demo")
    assert shop_data() == "0ae6966cb25d3220c06b7e9544ed86f7749cafc6ae4fcd55356c68620e58c37b"


def test_the_demo_has_a_thousand_products(db: None) -> None:
    run("load_demo")
    counts = [model.objects.count() for model in (Category, Product, Review, Order, ProductImage, Tenant)]
    assert counts == [8, 1000, 3000, 60, 12, 2]


def test_loading_says_what_it_did(db: None) -> None:
    assert "1000 products in 8 categories" in run("load_demo")


def test_loading_again_does_nothing(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    run("load_demo")
    with django_assert_num_queries(1):
        assert "already there" in run("load_demo")


def test_the_totals_of_the_demos_orders_are_right(db: None) -> None:
    run("load_demo")
    orders = Order.objects.prefetch_related("lines")
    assert [order for order in orders if order.total != sum(line.total for line in order.lines.all())] == []


@pytest.mark.parametrize("name", ["admin", "sam", "ada", "grace"])
def test_the_demos_people_log_in_with_their_names(client: Client, db: None, name: str) -> None:
    run("load_demo")
    assert client.login(username=name, password=name)


def test_only_staff_may_see_all_orders_in_the_demo(db: None) -> None:
    run("load_demo")
    seeing = [user.username for user in User.objects.all() if user.has_perm("shop.view_order")]
    assert seeing == ["admin", "sam"]


def test_the_urls_are_printed_for_the_port_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8123")
    assert "http://127.0.0.1:8123/admin/" in run("demo_urls")


def test_the_printed_urls_exist(client: Client, db: None) -> None:
    run("load_demo")
    printed = [line.split()[0] for line in run("demo_urls").splitlines() if "http://127" in line]
    paths = [url.removeprefix("http://127.0.0.1:8000") for url in printed]
    assert {path: client.get(path).status_code for path in paths if "quotes" not in path and path != "/admin/"} == {
        path: 200 for path in paths if "quotes" not in path and path != "/admin/"
    }


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    output = io.StringIO()
    call_command("demo_urls", stdout=output, force_color=True)
    assert "\x1b[" not in output.getvalue()


def test_colours_are_used_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    output = io.StringIO()
    call_command("demo_urls", stdout=output, force_color=True)
    assert "\x1b[" in output.getvalue()


def test_the_shop_is_closed_and_opened_by_a_command() -> None:
    run("maintenance", "on")
    assert settings.MAINTENANCE_FILE.exists()
    run("maintenance", "off")
    assert not settings.MAINTENANCE_FILE.exists()
