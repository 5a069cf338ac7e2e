"""The tables that `newsvc.reviews` declares are Django's; every way in which they could drift apart is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import models
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, String, Table, Text, UniqueConstraint

from legacy.accounts.models import User
from legacy.shop.models import Product, Review
from newsvc.reviews import tables
from tests.contract.drift import differences

MODELS: dict[str, type[models.Model]] = {
    "accounts_user": User,
    "shop_product": Product,
    "shop_review": Review,
}


def test_every_table_is_compared() -> None:
    assert MODELS.keys() == tables.Base.metadata.tables.keys()


@pytest.mark.parametrize("name", MODELS)
def test_a_table_is_as_django_has_it(name: str) -> None:
    assert differences(tables.Base.metadata.tables[name], MODELS[name]) == []


def changed(name: str, change: Callable[[Table], Any]) -> list[str]:
    """The differences after a change to a copy of a table."""
    metadata = MetaData()
    for table in tables.Base.metadata.tables.values():
        table.to_metadata(metadata)
    change(metadata.tables[name])
    return differences(metadata.tables[name], MODELS[name])


def replaced(column: Column[Any]) -> Callable[[Table], Any]:
    return lambda table: table.append_column(column, replace_existing=True)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (replaced(Column("likes", Integer)), ["likes: not in Django"]),
        (replaced(Column("title", Text, nullable=False)), ["title: type text, in Django varchar(120)"]),
        (replaced(Column("title", String(100), nullable=False)), ["title: type varchar(100), in Django varchar(120)"]),
        (replaced(Column("text", Text)), ["text: null True, in Django False"]),
        (replaced(Column("rating", Integer, nullable=False)), ["rating: type integer, in Django smallint"]),
        (
            replaced(Column("author_id", BigInteger, nullable=False)),
            ["author_id: refers to None, in Django accounts_user.id"],
        ),
        (
            replaced(Column("author_id", ForeignKey("shop_product.id"), nullable=False)),
            ["author_id: refers to shop_product.id, in Django accounts_user.id"],
        ),
        (lambda table: table.append_constraint(UniqueConstraint("title")), ["unique (title): not in Django"]),
        (lambda table: table.constraints.clear(), ["unique (author_id, product_id): only in Django"]),
    ],
)
def test_a_changed_declaration_is_noticed(change: Callable[[Table], Any], found: list[str]) -> None:
    assert set(found) <= set(changed("shop_review", change))


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The differences after a change to the columns that Django has."""

    def differences_with(
        name: str, added: models.Field[Any, Any] | None = None, without: str | None = None
    ) -> list[str]:
        model = MODELS[name]
        fields = [field for field in model._meta.local_concrete_fields if field.column != without]
        if added is not None:
            added.set_attributes_from_name(added.name)
            fields.append(added)
        monkeypatch.setattr(model._meta, "local_concrete_fields", fields)
        return differences(tables.Base.metadata.tables[name], model)

    return differences_with


def field(kind: type[models.Field[Any, Any]], name: str, **options: Any) -> models.Field[Any, Any]:
    made = kind(**options)
    made.name = name
    return made


def test_a_column_that_django_gained_is_noticed(migrated: Callable[..., list[str]]) -> None:
    assert migrated("shop_review", field(models.BooleanField, "verified")) == ["verified: only in Django"]


def test_a_column_that_django_renamed_is_noticed(migrated: Callable[..., list[str]]) -> None:
    found = migrated("shop_review", field(models.TextField, "body"), without="text")
    assert found == ["text: not in Django", "body: only in Django"]


def test_a_column_that_django_changed_is_noticed(migrated: Callable[..., list[str]]) -> None:
    found = migrated("shop_review", field(models.CharField, "title", max_length=200, null=True), without="title")
    assert found == ["title: type varchar(120), in Django varchar(200)", "title: null False, in Django True"]


def test_a_column_that_is_not_read_may_come_and_go(migrated: Callable[..., list[str]]) -> None:
    assert migrated("shop_product", field(models.TextField, "colour"), without="description") == []


def test_a_column_that_is_read_may_not_go(migrated: Callable[..., list[str]]) -> None:
    assert migrated("shop_product", without="is_active") == ["is_active: not in Django"]
