"""Rows that are the same in the end are no difference, however each side has written them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from gateway.parity.difference import MISSING, Difference, Severity
from gateway.parity.rows import Rows, TableInfo, Written
from gateway.workbench.replay.finals import read_finals, without_equal_rows

COLUMN = Difference("row", "row:shop_product:stock", Severity.BREAKING, "16", "= ( stock - '1' ) ", which="id=2")
WHOLE = Difference("row", "row:shop_product", Severity.WARNING, {"name": "Lamp"}, MISSING, which="id=2")
ROW = ("shop_product", "2")


@pytest.mark.parametrize("difference", [COLUMN, WHOLE])
def test_the_same_row_is_none(difference):
    finals = {ROW: {"id": "2", "stock": "16", "name": "Lamp"}}
    assert without_equal_rows([difference], finals, finals) == []


def test_another_row_is_one_with_what_stands_there():
    (found,) = without_equal_rows([COLUMN], {ROW: {"stock": "16"}}, {ROW: {"stock": "15"}})
    assert (found.expected, found.actual) == ("16", "15")


@pytest.mark.parametrize(
    "difference",
    [
        replace(COLUMN, which="where status = %s"),
        replace(COLUMN, which=""),
        replace(COLUMN, kind="row-way"),
        replace(COLUMN, which="id=3"),
    ],
)
def test_what_is_not_known_by_its_key_stays_as_it_is(difference):
    finals = {ROW: {"stock": "16"}}
    assert without_equal_rows([difference], finals, finals) == [difference]


# -- what stands there ------------------------------------------------------------------------------


@pytest.fixture
def stock(django_db_blocker: Any) -> Iterator[Any]:
    """A table of three rows."""
    connection = DatabaseWrapper(connections.settings["default"] | {"NAME": ":memory:"}, "stock")
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE shop_product (sku TEXT PRIMARY KEY, stock INTEGER)")
        cursor.execute("INSERT INTO shop_product VALUES ('a', 1), ('b', 2), ('c', 3)")
        yield connection
    connection.close()


def wrote(statement: str, *values: str) -> Written:
    return Written("shop_product", statement, values, 1, 0.0)


UPDATE = 'UPDATE "shop_product" SET "stock" = "shop_product"."stock" - %s WHERE "shop_product"."sku" = %s'


def test_rows_that_were_changed_are_read_by_their_key(stock):
    rows = Rows((wrote(UPDATE, "1", "a"), wrote(UPDATE, "1", "c")), {"shop_product": TableInfo("sku", 1)})
    assert read_finals(stock, rows) == {
        ("shop_product", "a"): {"sku": "a", "stock": "1"},
        ("shop_product", "c"): {"sku": "c", "stock": "3"},
    }


@pytest.mark.parametrize(
    "statement",
    [
        wrote('UPDATE "shop_product" SET "stock" = %s WHERE "shop_product"."stock" > %s', "0", "1"),
        wrote('DELETE FROM "shop_product" WHERE "shop_product"."sku" IN (%s)', "a"),
        wrote(UPDATE, "1", "z"),
    ],
)
def test_a_row_that_is_gone_or_has_no_key_is_none_of_them(stock, statement):
    assert read_finals(stock, Rows((statement,), {"shop_product": TableInfo("sku", 1)})) == {}
