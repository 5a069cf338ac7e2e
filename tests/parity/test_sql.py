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


def test_another_number_of_statements_is_a_warning():
    assert differences([SELECT], [SELECT, SELECT]) == [("sql-count", "", Severity.WARNING)]


def test_each_table_only_one_side_touches_is_a_warning():
    assert differences([SELECT], ["SELECT * FROM shop_tag"]) == [
        ("sql-tables", "shop_product only by legacy", Severity.WARNING),
        ("sql-tables", "shop_tag only by the service", Severity.WARNING),
    ]


def test_a_statement_repeated_for_every_row_is_a_warning():
    assert ("n-plus-one", "shop_product", Severity.WARNING) in differences([SELECT], [SELECT] * 5)
    assert all(kind != "n-plus-one" for kind, *_ in differences([SELECT], [SELECT] * 4))


def test_what_legacy_repeats_too_is_no_difference_however_it_is_written():
    assert differences([SELECT] * 5, ["SELECT id FROM shop_product WHERE id = ?"] * 5) == []


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
    assert Sql((SELECT,) * 5 + ("SELECT 1",) * 4, 9).repeated() == {SELECT: 5}
