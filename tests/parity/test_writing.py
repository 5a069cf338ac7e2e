"""Statements that write are read as rows; what is no plain one is known by its table and kind alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parity.rows import LONGEST, TableInfo, Written, reduced, values_of
from gateway.parity.writing import rows_of

TABLE = TableInfo("id", 2)
INSERT, UPDATE = 'INSERT INTO "t" ("a", "b") VALUES ', 'UPDATE "t" SET "a" = %s WHERE '
DELETE = 'DELETE FROM "t" WHERE '


def read(statement, values=(), rows=None):
    """Kind, key, columns, condition and number of each row."""
    found = rows_of(Written("t", statement, values_of(values), rows, 0.0), TABLE)
    return [(row.kind, row.key, dict(row.columns), row.where, row.count) for row in found if row.readable]


@pytest.mark.parametrize(
    ("statement", "values", "columns"),
    [
        ('INSERT INTO "t" ("a", "b") VALUES (%s, %s) RETURNING "t"."id"', ("x", 1), {"a": "x", "b": "1"}),
        ("INSERT INTO `t` (`a`, `b`) VALUES (%s, NULL)", ("x",), {"a": "x", "b": None}),
        ("insert into t (a, b) values ('it''s', 2.50)", (), {"a": "it's", "b": "2.5"}),
        ("INSERT INTO t (a, b) VALUES (%(b)s, %(a)s)", {"a": 1, "b": 2}, {"a": "2", "b": "1"}),
        ("INSERT INTO t (a, b) VALUES (%s, DEFAULT)", (True,), {"a": "true"}),
        ("INSERT INTO t (a) VALUES (%s::jsonb) -- said by the ORM", ("{}",), {"a": "{}"}),
        ("INSERT INTO t (a) VALUES ((%s)::varchar(8))", ("x",), {"a": "x"}),
        ("INSERT INTO t (a) VALUES (CAST(%s AS numeric(4, 2)))", (Decimal("1.50"),), {"a": "1.5"}),
        ('INSERT INTO "t" DEFAULT VALUES', (), {}),
    ],
)
def test_an_insert_is_one_row(statement, values, columns):
    assert read(statement, values) == [("insert", None, columns, (), 1)]


def test_an_expression_is_read_as_one():
    [(_, _, columns, *_)] = read("INSERT INTO t (a) VALUES (LOWER(%s))", ("X",))
    [(_, _, others, *_)] = read("INSERT INTO t (a) VALUES (LOWER(%s))", ("Y",))
    assert columns == {"a": "= LOWER ( 'X' ) "}
    assert others != columns


@given(st.lists(st.tuples(st.text(max_size=5) | st.none(), st.integers()), min_size=1, max_size=6))
def test_many_rows_are_read_one_by_one_in_either_form(rows):
    expected = [{"a": a, "b": str(b)} for a, b in rows]
    groups = ", ".join(["(%s, %s)"] * len(rows))
    flat = [value for row in rows for value in row]
    several = read(INSERT + groups + " ON CONFLICT DO NOTHING", flat, len(rows))
    arrays = 'INSERT INTO "t" ("a", "b") SELECT * FROM UNNEST((%s)::varchar[], (%s)::integer[])'
    unnested = read(arrays, [list(column) for column in zip(*rows, strict=True)])
    assert [columns for _, _, columns, *_ in several] == [columns for _, _, columns, *_ in unnested] == expected


@pytest.mark.parametrize(
    ("where", "values", "rows", "keys"),
    [
        ('"t"."id" = %s', [7], 1, ["7"]),
        ('("t"."id" = %s AND "t"."version" = %s)', [7, 3], 1, ["7"]),
        ('"t"."id" IN (%s, %s)', [7, 8], 2, ["7", "8"]),
        ('("t"."id" IN (%s, %s))', [7, 8], None, ["7", "8"]),
    ],
)
def test_a_condition_that_names_keys_is_a_row_for_each(where, values, rows, keys):
    found = read(UPDATE + where, ["x", *values], rows)
    assert found == [("update", key, {"a": "x"}, (), 1) for key in keys]
    assert [key for _, key, *_ in read(DELETE + where, values, rows)] == keys


@pytest.mark.parametrize(
    ("where", "values", "rows"),
    [
        ('"t"."id" IN (%s, %s)', [7, 8], 1),  # one of them isn't there, and nobody says which
        ('"t"."id" > %s', [7], 1),
        ('NOT ("t"."id" = %s)', [7], 1),
        ('("t"."id" = %s OR "t"."a" = %s)', [7, 8], 1),
        ("id = %s OR a = %s AND b = 1", [7, 8], 1),
        ("id BETWEEN %s AND %s", [7, 8], 2),
        ("id IN (SELECT t_id FROM u WHERE u.id = %s)", [7], 1),
    ],
)
def test_any_other_condition_is_no_key(where, values, rows):
    [(kind, key, columns, condition, count)] = read(UPDATE + where, ["x", *values], rows)
    assert (kind, key, columns, count) == ("update", None, {"a": "x"}, rows)
    assert [value for _, values in condition for value in values] == [str(value) for value in values]


@pytest.mark.parametrize(
    "statement",
    [
        "WITH old AS (DELETE FROM t RETURNING id) SELECT id FROM old",
        "INSERT INTO t (a) SELECT a FROM u",
        "INSERT INTO t VALUES (%s)",
        "INSERT INTO t (a, b) VALUES (%s)",
        "UPDATE t SET a = u.a FROM u WHERE u.id = t.id",
        "UPDATE t AS x SET a = 1",
        "UPDATE t SET a = '%s' WHERE id = 1",
        "UPDATE t SET (a, b) = (1, 2)",
        "DELETE FROM t USING u WHERE u.id = t.id",
        "REPLACE INTO t (a) VALUES (1)",
        "TRUNCATE t",
        "UPDATE t SET",
        "INSERT INTO t (a) VALUES (%s",
        "INSERT INTO t (a) VALUES (%(b)s)",
        'INSERT INTO "t" (a) VALUES (%s, %s), (%s, %s)',
        "INSERT INTO t (a) VALUES (%s), (1), (%s)",
        "INSERT INTO t (a) VALUES (%s), (%s) RETURNING %s",
        "INSERT INTO t (LOWER(a)) VALUES (%s)",
        "INSERT INTO t (a) VALUES (1) WHERE 1",
        "INSERT INTO t (a, b) SELECT * FROM UNNEST((%s)::integer[])",
        "INSERT INTO t (a) SELECT * FROM UNNEST(LOWER(%s))",
        "INSERT INTO t (a) SELECT * FROM UNNEST((%s)::integer[])",
        pytest.param("INSERT INTO t (a) VALUES ('" + "x" * 200_000 + "')", id="a very long one"),
    ],
)
def test_what_is_not_plain_is_not_guessed(statement):
    [row] = rows_of(Written("t", statement, ("x",), 1, 0.0), TABLE)
    assert (row.readable, row.columns) == (False, {})


def test_and_in_a_text_joins_nothing():
    [(_, key, _, where, _)] = read(UPDATE + "name = 'this AND that' AND id = %s", ["x", 7], 1)
    assert (key, [values for _, values in where]) == (None, [("7",)])


def test_of_a_bulk_update_a_row_without_a_case_is_set_to_null():
    update = UPDATE.replace("%s", 'CASE WHEN "t"."id" = %s THEN %s WHEN "t"."id" = %s THEN NULL ELSE NULL END')
    found = read(update + '"t"."id" IN (%s, %s, %s)', [7, "x", 8, 7, 8, 9], 3)
    assert [(key, columns) for _, key, columns, *_ in found] == [
        ("7", {"a": "x"}),
        ("8", {"a": None}),
        ("9", {"a": None}),
    ]


def test_a_bulk_update_by_two_columns_is_not_guessed():
    update = UPDATE.replace("%s", "CASE WHEN b = %s THEN %s WHEN id = %s THEN %s ELSE NULL END")
    assert read(update + "id IN (%s)", [7, "x", 8, "y", 8], 1) == []


def test_what_may_have_left_a_row_alone_is_not_guessed():
    for statement in (
        "INSERT IGNORE INTO t (a) VALUES (%s), (%s)",
        "INSERT INTO t (a) VALUES (%s), (%s) ON CONFLICT DO NOTHING",
    ):
        assert [columns for _, _, columns, *_ in read(statement, (1, 2), 2)] == [{"a": "1"}, {"a": "2"}]
        assert read(statement, (1, 2), 1) == []


def test_values_that_can_be_read_only_once_are_left_alone():
    assert values_of(iter([1])) is None
    assert rows_of(Written("t", "INSERT INTO t (a) VALUES (%s)", None, 1, 0.0), TABLE)[0].readable is False


@given(st.text(max_size=60), st.lists(st.text(max_size=3), max_size=3))
def test_whatever_a_statement_is_it_is_read_or_it_isnt(statement, values):
    for start in ("", "INSERT INTO t (a) VALUES (", "UPDATE t SET a = ", "DELETE FROM t WHERE "):
        assert rows_of(Written("t", start + statement, tuple(values), 1, 0.0), TABLE)


# -- values ---------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"


@dataclass
class Json:
    """As psycopg's: what it holds is `obj`."""

    obj: object


class Unsayable:
    def __str__(self):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("a", "a"),
        (True, "true"),
        (7, "7"),
        (1.50, "1.5"),
        (Decimal("1.500"), "1.5"),
        (Decimal(100), "100"),
        (Decimal("NaN"), "NaN"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        ([1, [None]], ("1", (None,))),
        (Colour.RED, "red"),
        (Json({"b": 1, "a": 2}), '{"a": 2, "b": 1}'),
        (Fraction(1, 3), "1/3"),
        (object(), "a object"),
        (Unsayable(), "a Unsayable that can't be read"),
    ],
)
def test_a_value_is_kept_as_text(value, expected):
    assert reduced(value) == expected


@pytest.mark.parametrize(("one", "other"), [(b"a", b"b"), ("a" * LONGEST + "a", "a" * LONGEST + "b")])
def test_bytes_and_long_texts_are_told_apart_by_their_digests(one, other):
    assert reduced(one) != reduced(other)
    assert len(reduced(one)) < 100
