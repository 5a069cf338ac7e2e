"""Rows that are the same in the end are no difference, however each side has written them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.parity.difference import MISSING, Difference, Severity
from gateway.workbench.replay.finals import without_equal_rows

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
