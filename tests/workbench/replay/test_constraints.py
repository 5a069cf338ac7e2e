"""What SQLite would refuse at a commit is found by the keys of what was written, and no table is read for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connections

from gateway.parity.rows import Rows, TableInfo, Written
from gateway.workbench.replay.constraints import check_foreign_keys
from tests.support.databases import known_as

SCHEMA = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE child
    (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED, n INTEGER);
CREATE TABLE named (id INTEGER PRIMARY KEY, name TEXT REFERENCES parent (name) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE maker (id INTEGER PRIMARY KEY);
CREATE TABLE item
    (id INTEGER PRIMARY KEY, maker_id INTEGER REFERENCES maker (id) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO maker VALUES (1), (2);
INSERT INTO item VALUES (1, 1);
INSERT INTO parent VALUES (1, 'one'), (2, 'two');
INSERT INTO child VALUES (1, 1, 0);
INSERT INTO named VALUES (1, 'two');
"""
TABLES = {
    "parent": TableInfo("id", 1),
    "child": TableInfo("id", 2, {"parent_id": "parent"}),
    "named": TableInfo("id", 1),
    "maker": TableInfo("id", 0),
    "item": TableInfo("id", 1, {"maker_id": "maker"}),
}


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: Any) -> Iterator[Any]:
    """A connection, in a transaction that is rolled back, and the statements that it executes."""
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
    known_as("constrained", settings)
    connection: Any = connections["constrained"]
    connection.executed = []

    def note(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        connection.executed.append(sql)
        return execute(sql, params, many, context)

    with django_db_blocker.unblock(), connection.execute_wrapper(note):
        with connection.cursor() as cursor:
            cursor.executescript(SCHEMA)
        connection.set_autocommit(False)
        yield connection
        connection.rollback()
        connection.close()
    del connections["constrained"]
    connections.settings.pop("constrained")


def written(database: Any, table: str, statement: str, *values: str, key: str | None = None) -> Written:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return Written(table, statement, values, cursor.rowcount, 0.0, key)


def check(database: Any, *statements: Written) -> list[str]:
    """The tables that were read as a whole. Raises IntegrityError."""
    database.executed.clear()
    check_foreign_keys(database, Rows(statements, TABLES), frozenset(one.table for one in statements))
    return [sql for sql in database.executed if "foreign_key_check" in sql]


CHILD = 'INSERT INTO "child" ("id", "parent_id") VALUES (%s, %s)'
MOVE = 'UPDATE "child" SET "parent_id" = %s WHERE "child"."id" = %s'
DELETE = 'DELETE FROM "{}" WHERE "{}"."id" IN (%s)'


def test_a_row_that_refers_to_one_that_is_there(database):
    assert check(database, written(database, "child", CHILD, "7", "2")) == []


def test_a_row_that_refers_to_nothing(database):
    with pytest.raises(IntegrityError):
        check(database, written(database, "child", CHILD, "7", "99"))


def test_a_row_that_is_moved(database):
    assert check(database, written(database, "child", MOVE, "2", "1")) == []
    with pytest.raises(IntegrityError):
        check(database, written(database, "child", MOVE, "99", "1"))


def test_what_sets_no_reference_is_not_looked_at(database):
    found = written(database, "child", 'UPDATE "child" SET "n" = %s WHERE "child"."id" = %s', "5", "1")
    assert check(database, found) == []
    assert not [sql for sql in database.executed if "child" in sql and "foreign_key_list" not in sql]


def test_a_row_whose_key_the_database_gives(database):
    insert = 'INSERT INTO "child" ("parent_id") VALUES (%s)'
    assert check(database, written(database, "child", insert, "1", key="2")) == []
    assert check(database, written(database, "child", insert, "1")) != []  # nobody knows which it is
    with pytest.raises(IntegrityError):
        check(database, written(database, "child", insert, "99"))


def test_a_row_that_nobody_refers_to_may_go(database):
    assert check(database, written(database, "child", DELETE.format("child", "child"), "1")) == []


def test_a_row_that_somebody_refers_to_may_not(database):
    with pytest.raises(IntegrityError):
        check(database, written(database, "parent", DELETE.format("parent", "parent"), "1"))


def test_nor_one_whose_name_somebody_refers_to(database):
    with pytest.raises(IntegrityError):
        check(database, written(database, "parent", DELETE.format("parent", "parent"), "2"))


def test_where_every_reference_is_to_the_key_what_refers_is_looked_for_by_it(database):
    assert check(database, written(database, "maker", DELETE.format("maker", "maker"), "2")) == []
    with pytest.raises(IntegrityError, match="a row of item refers to one that is deleted"):
        check(database, written(database, "maker", DELETE.format("maker", "maker"), "1"))


def test_what_refers_is_read_as_a_whole_where_it_has_to_be_anyhow(database):
    unknown = written(database, "item", "INSERT INTO item SELECT 9, 1")
    gone = written(database, "maker", DELETE.format("maker", "maker"), "2")
    assert [one for one in check(database, unknown, gone) if '"item"' in one] != []
    assert not [sql for sql in database.executed if "NOT EXISTS" in sql]


def test_a_name_that_somebody_refers_to_may_not_be_changed(database):
    rename = 'UPDATE "parent" SET "name" = %s WHERE "parent"."id" = %s'
    assert check(database, written(database, "parent", rename, "first", "1")) != []
    with pytest.raises(IntegrityError):
        check(database, written(database, "parent", rename, "second", "2"))


def test_of_very_many_rows_the_whole_table_is_read(database):
    made = [
        written(database, "item", 'INSERT INTO "item" ("id", "maker_id") VALUES (%s, %s)', str(number), "1")
        for number in range(100, 601)
    ]
    assert check(database, *made[:500]) == []
    assert check(database, *made) != []


def test_who_refers_may_go_first(database):
    first = written(database, "child", DELETE.format("child", "child"), "1")
    check(database, first, written(database, "parent", DELETE.format("parent", "parent"), "1"))


def test_a_row_that_is_made_and_taken_back(database):
    made = written(database, "child", CHILD, "7", "99")
    assert check(database, made, written(database, "child", DELETE.format("child", "child"), "7")) == []


def test_what_can_not_be_read_is_checked_as_a_whole(database):
    with pytest.raises(IntegrityError):
        check(database, written(database, "child", "INSERT INTO child SELECT 9, 99, 0"))
    with pytest.raises(IntegrityError):
        check_foreign_keys(database, None, frozenset({"child"}))


def test_a_key_that_is_written_in_another_way_is_looked_for_in_the_whole_table(database):
    made = written(database, "child", CHILD, "7", "99")
    with pytest.raises(IntegrityError):
        check(database, Written("child", made.statement, ("seven", "99"), 1, 0.0))
