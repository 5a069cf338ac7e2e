"""What both sides did in the database."""

from __future__ import annotations

import pytest

from gateway.parity.answer import Sql
from gateway.parity.difference import Severity
from tests.parity.answers import answer, compared

SELECT = 'SELECT "shop_product"."id" FROM "shop_product" WHERE "shop_product"."id" = %s'


def differences(expected, actual, toml=""):
    sides = [answer({}, sql=side if side is None else Sql(tuple(side), len(side))) for side in (expected, actual)]
    return [(d.kind, d.detail, d.severity) for d in compared(*sides, toml).differences]


def test_equal_statements_are_equal():
    assert differences([SELECT], [SELECT]) == []


def test_more_statements_are_a_warning():
    assert differences([SELECT], [SELECT, SELECT]) == [("sql-count", "more", Severity.WARNING)]
    assert differences([SELECT], [SELECT] * 3, "more_statements = 2") == []
    assert differences([SELECT], [SELECT] * 4, "more_statements = 2") == [("sql-count", "more", Severity.WARNING)]


def test_fewer_statements_are_better():
    assert differences([SELECT] * 103, [SELECT] * 4) == [("sql-count", "fewer", Severity.NOTE)]


def test_each_table_only_one_side_reads_is_noted():
    assert differences([SELECT], ["SELECT * FROM shop_tag"]) == [
        ("sql-tables", "shop_product only by legacy", Severity.NOTE),
        ("sql-tables", "shop_tag only by the service", Severity.NOTE),
    ]


def test_a_statement_repeated_for_every_row_is_breaking():
    assert ("n-plus-one", "shop_product", Severity.BREAKING) in differences([SELECT], [SELECT] * 5)
    assert all(kind != "n-plus-one" for kind, *_ in differences([SELECT], [SELECT] * 4))
    assert ("n-plus-one", "shop_product", Severity.BREAKING) in differences([SELECT], [SELECT] * 3, "repeats = 3")


def test_what_legacy_repeats_too_is_no_difference_however_it_is_written():
    assert differences([SELECT] * 5, ["SELECT id FROM shop_product WHERE id = ?"] * 5) == []


def test_repeating_far_more_often_than_legacy_is_breaking():
    assert ("n-plus-one", "shop_product", Severity.BREAKING) in differences([SELECT] * 6, [SELECT] * 13)
    assert differences([SELECT] * 6, [SELECT] * 12) == [("sql-count", "more", Severity.WARNING)]


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ('INSERT INTO "shop_log" ("id") VALUES (%s) RETURNING "id"', "shop_log"),
        ('INSERT OR IGNORE INTO "shop_log" ("id") SELECT "id" FROM "shop_product"', "shop_log"),
        ('UPDATE "shop_log" SET "seen" = %s WHERE "id" IN (SELECT "id" FROM "shop_product")', "shop_log"),
        ('DELETE FROM "shop_log" WHERE "id" = %s', "shop_log"),
        ("WITH old AS (DELETE FROM shop_log RETURNING id) SELECT id FROM shop_product", "shop_log"),
        ("TRUNCATE TABLE shop_log", "shop_log"),
        ("REPLACE INTO `shop_log` (id) VALUES (%s)", "shop_log"),
    ],
)
def test_a_write_that_legacy_does_not_make_is_breaking(statement, table):
    assert ("write", table, Severity.BREAKING) in differences([SELECT], [SELECT, statement])
    assert all(kind != "write" for kind, *_ in differences([SELECT, statement], [SELECT, statement]))


@pytest.mark.parametrize(
    "statement",
    ['SELECT * FROM "shop_product" FOR UPDATE', "SELECT 1 FROM shop_product WHERE note = 'DELETE FROM shop_log'"],
)
def test_what_only_looks_like_a_write_is_none(statement):
    assert all(kind != "write" for kind, *_ in differences([SELECT], [statement]))


def test_of_an_answer_of_another_kind_only_the_writes_are_compared():
    legacy = answer({}, sql=Sql((SELECT,) * 2, 2))
    reads, writes = ("SELECT 1 FROM other",), ('INSERT INTO "shop_log" VALUES (%s)',)
    assert [d.kind for d in compared(legacy, answer({}, status=500, sql=Sql(reads, 1))).differences] == ["status"]
    failed = compared(legacy, answer({}, status=500, sql=Sql(writes, 1))).differences
    assert sorted((d.kind, d.detail) for d in failed) == [("status", "200 → 500"), ("write", "shop_log")]


def test_nothing_is_said_where_one_side_was_not_recorded():
    assert differences(None, [SELECT]) == []
    assert differences([SELECT], None) == []


def test_tables_are_not_compared_where_statements_were_left_out():
    one, other = answer({}, sql=Sql((SELECT,), 9)), answer({}, sql=Sql(("SELECT 1 FROM other",), 9))
    assert compared(one, other).equal


def test_sql_is_not_compared_where_the_rules_say_so():
    assert differences([SELECT], [SELECT, SELECT], "sql = false") == []


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        (SELECT, {"shop_product"}),
        ("SELECT * FROM a INNER JOIN b ON a.id = b.id LEFT OUTER JOIN `c` AS T4 ON (1)", {"a", "b", "c"}),
        ("SELECT * FROM a, b c, d", {"a", "b", "d"}),
        ('INSERT INTO "a" ("x") VALUES (%s) ON CONFLICT DO UPDATE SET "x" = 1', {"a"}),
        ("UPDATE a SET x = (SELECT 1 FROM b)", {"a", "b"}),
        ("DELETE FROM public.a WHERE x IS DISTINCT FROM y", {"public.a"}),
        ("SELECT EXTRACT('year' FROM a.created) FROM a FOR UPDATE", {"a"}),
        ("SELECT 'text FROM nowhere' FROM a -- FROM comment", {"a"}),
        ("WITH RECURSIVE t AS (SELECT 1 FROM a), u(x) AS (SELECT 2) SELECT * FROM t JOIN u", {"a"}),
        ("SELECT * FROM generate_series(1, 2)", set()),
        ("SELECT * FROM [a] WHERE x IN (SELECT y FROM B)", {"a", "b"}),
        ("SAVEPOINT s1", set()),
    ],
)
def test_tables_are_read_from_what_orms_write(statement, tables):
    assert Sql((statement,), 1).tables() == tables


def test_statements_repeated_are_counted():
    assert Sql((SELECT,) * 5 + ("SELECT 1",) * 4 + ("SELECT 2",), 10).repeated() == {SELECT: 5, "SELECT 1": 4}
