"""What both sides wrote, told by statements alone. tests/upstreams/test_rows.py has what Django writes."""

from __future__ import annotations

import pytest

from gateway.parity.answer import Sql
from gateway.parity.difference import MISSING
from gateway.parity.rows import Rows, TableInfo, Written
from tests.parity.answers import answer, compared, rules

TABLES = {"orders": TableInfo("id", 4, {"customer_id": "customers"}), "customers": TableInfo("id", 1)}
INSERT = 'INSERT INTO "orders" ("status", "data") VALUES (%s, %s)'
UPDATE = 'UPDATE "orders" SET "status" = %s WHERE "orders"."id" = %s'
UNREADABLE = "WITH x AS (SELECT 1) UPDATE orders SET status = 'paid'"


def wrote(statement, *values, table="orders", rows=1, key=None):
    return Written(table, statement, tuple(values), rows, 0.0, key)


def side(*statements, sql=None):
    return answer({}, rows=Rows(tuple(statements), TABLES), sql=sql)


def found(was, now, toml=""):
    """What differs: where, how, and both values."""
    differences = compared(was, now, toml).differences
    return [(one.pointer, one.detail, one.expected, one.actual) for one in differences]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1, "b": [2]}', '{"b": [2], "a": 1}', True),
        ("[1, 2]", "[1,2]", True),
        ("[1, 2]", "[2, 1]", False),
        ('{"a": 1}', '["a", 1]', False),
        ('{"a": 1', '{"a": 1}', False),
        ("paid", "new", False),
        (None, "new", False),
        ("null", None, False),
    ],
)
def test_values_are_compared_as_json_where_they_are(one, other, same):
    differences = found(side(wrote(INSERT, "new", one)), side(wrote(INSERT, "new", other)))
    assert differences == ([] if same else [("row:orders:data", "has another value", one, other)])


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ([UNREADABLE], [], ("row:orders", "written only by legacy", {"write": "1"}, MISSING)),
        ([], [UNREADABLE], ("row:orders", "written only by the service", MISSING, {"write": "1"})),
        ([UNREADABLE, UNREADABLE], [UNREADABLE], ("row:orders", "is written to by statements that can't be compared")),
        ([UNREADABLE], [UNREADABLE], None),
    ],
)
def test_statements_that_can_not_be_read_are_counted(was, now, expected):
    other = wrote('UPDATE "customers" SET "name" = %s WHERE "customers"."id" = %s', "Ada", "1", table="customers")
    differences = found(side(other, *map(wrote, was)), side(other, *map(wrote, now)))
    assert [one[: len(expected or ())] for one in differences] == ([] if expected is None else [expected])


def test_a_table_that_only_the_service_writes_to_is_said_once():
    was, now = side(sql=Sql((), 0)), side(wrote(UNREADABLE), sql=Sql((UNREADABLE,), 1))
    assert {one[0] for one in found(was, now)} == {"sql"}


def test_rows_that_are_inserted_are_matched_by_what_they_have_in_common():
    was = side(wrote(INSERT, "new", "1"), wrote(INSERT, "paid", "2"), wrote(INSERT, "gone", "3"))
    now = side(wrote(INSERT, "paid", "9"), wrote(INSERT, "gone", "3"), wrote(INSERT, "new", "1"))
    assert found(was, now) == [("row:orders:data", "has another value", "2", "9")]


def test_a_condition_and_keys_with_other_values_are_another_way_and_differ():
    many = 'UPDATE "orders" SET "status" = %s WHERE "orders"."status" = %s'
    was = side(wrote(many, "paid", "new", rows=2))
    differences = found(was, side(wrote(UPDATE, "paid", "1"), wrote(UPDATE, "sent", "2")))
    assert ("row:orders", "updated in another way") in [one[:2] for one in differences]
    equal = found(was, side(wrote(UPDATE, "paid", "1"), wrote(UPDATE, "paid", "2")))
    assert [one[1] for one in equal] == ["updated in another way"]


@pytest.mark.long
def test_too_many_values_are_not_all_compared_and_that_is_said():
    values = ", ".join(["(%s, %s)"] * 1000)
    statement = f'INSERT INTO "orders" ("status", "data") VALUES {values}'  # noqa: S608 - made here
    was, now = ([str(number * factor) for number in range(2000)] for factor in (1, -1))
    comparison = compared(side(wrote(statement, *was, rows=1000)), side(wrote(statement, *now, rows=1000)))
    assert comparison.errors == ("more values were written than are compared; the rest was left out",)


# -- JSON -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ['classes = { "/*/at" = "uuid" }', 'tolerances = { "/*/price" = 0.5 }'])
def test_items_in_another_order_are_the_same_where_the_rules_see_no_difference(rule):
    ids = [f"0a8b5c1e-0000-4000-8000-00000000000{digit}" for digit in range(4)]
    was = [{"name": "a", "at": ids[0], "price": 1.0}, {"name": "b", "at": ids[1], "price": 2.0}]
    now = [dict(was[1]), dict(was[0])]
    if "uuid" in rule:
        now[0]["at"], now[1]["at"] = ids[2:]
    else:
        now[0]["price"], now[1]["price"] = 2.25, 1.25
    comparison = compared(was, now, rules('unordered = { "" = "*" }\n' + rule))
    assert comparison.differences == ()


@pytest.mark.parametrize(("ends", "ignored"), [("12", 1), ("11", 0)])
@pytest.mark.parametrize("depth", [1, 90, 900])
def test_what_is_ignored_counts_where_it_differs_however_deep(depth, ends, ignored):
    one, other = (f'{{"a": {"[" * depth}{end}{"]" * depth}, "b": {number}}}' for number, end in enumerate(ends))
    comparison = compared(answer(one), answer(other), 'ignore = ["/a", "/b"]')
    assert comparison.equal
    assert comparison.ignored == ignored + 1
