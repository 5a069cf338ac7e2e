"""What notes SQL stays on a connection as long as that lives, and out of the way of blocks that are open on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.utils import translation

from gateway.context.recording import LONGEST, MOST, Recorder, recorder
from gateway.context.sql_recorder import record_sql, text_of
from gateway.legacy.urlconf import knows

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Iterator[BaseDatabaseWrapper]:
    """One that nobody has queried yet."""
    record_sql()
    connection = connections.create_connection("default")
    yield connection
    connection.close()


@pytest.fixture
def noted() -> Iterator[Recorder]:
    """What is noted in this test."""
    noting = Recorder()
    token = recorder.set(noting)
    yield noting
    recorder.reset(token)


class Block:
    """A wrapper of somebody's, for a block of code."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, execute, sql, params, many, context):
        self.seen += 1
        return execute(sql, params, many, context)


def query(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_block_around_the_first_query_ends_where_it_ends(connection, noted):
    block = Block()
    with connection.execute_wrapper(block):
        query(connection)
    query(connection)
    assert (block.seen, len(noted.sql().statements)) == (1, 2)


def test_nested_blocks_end_one_by_one(connection, noted):
    outer, inner = Block(), Block()
    with connection.execute_wrapper(outer):
        with connection.execute_wrapper(inner):
            query(connection)
        query(connection)
    query(connection)
    assert (outer.seen, inner.seen, len(noted.sql().statements)) == (2, 1, 3)


def test_a_connection_that_is_made_again_inside_a_block_is_noted_once(connection, noted):
    block = Block()
    query(connection)
    with connection.execute_wrapper(block):
        connection.close()
        query(connection)
    query(connection)
    assert (block.seen, len(noted.sql().statements)) == (1, 3)


def test_what_a_test_appends_and_pops_by_hand_is_its_own(connection, noted):
    block = Block()
    connection.execute_wrappers.append(block)
    query(connection)
    assert connection.execute_wrappers.pop() is block
    query(connection)
    assert (block.seen, len(noted.sql().statements)) == (1, 2)


def test_looking_a_path_up_leaves_the_language_as_it_was(project):
    with translation.override("de"):
        knows("/json/")
        assert translation.get_language() == "de"
    translation.deactivate()
    knows("/json/")
    project.LANGUAGE_CODE = "el"  # which is the language where none is active
    assert translation.get_language() == "el"


# -- rows -------------------------------------------------------------------------------------------


@pytest.fixture
def cursor(connection: BaseDatabaseWrapper, noted: Recorder) -> Iterator[CursorWrapper]:
    """Of a connection with two tables."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE one (id INTEGER PRIMARY KEY, n INTEGER)")
        cursor.execute("CREATE TEMPORARY TABLE two (id INTEGER PRIMARY KEY)")
        yield cursor


def rows(noted: Recorder) -> list[tuple[str, object, int | None]]:
    """The table, the values and the number of rows of each statement that was noted."""
    found = noted.rows()
    return [] if found is None else [(one.table, one.values, one.rows) for one in found.written]


def test_each_execution_of_a_statement_that_writes_is_noted_with_its_values(cursor, noted):
    cursor.execute("INSERT INTO one VALUES (%s, %s)", [1, 7])
    cursor.executemany("INSERT INTO one VALUES (%s, %s)", [(2, 7), (3, 8)])
    cursor.execute("UPDATE one SET n = 0")
    cursor.execute("SELECT n FROM one")
    assert rows(noted) == [
        ("one", ("1", "7"), 1),
        ("one", ("2", "7"), 1),
        ("one", ("3", "8"), 1),
        ("one", (), 3),
    ]


def test_of_executions_by_an_iterator_the_values_are_unknown(cursor, noted):
    cursor.executemany("INSERT INTO one VALUES (%s, %s)", iter([(2, 7), (3, 8)]))
    [(table, values, _)] = rows(noted)
    assert (table, values) == ("one", None)


def test_a_statement_of_bytes_is_noted_too(connection, noted):
    assert text_of(b"INSERT INTO one", {"connection": connection}) == "INSERT INTO one"


def test_a_statement_that_writes_to_several_tables_is_noted_for_each_without_values(cursor, noted):
    cursor.execute("WITH x AS (SELECT 1) INSERT INTO one SELECT id, 1 FROM two")
    assert [(table, values) for table, values, _ in rows(noted)] == [("one", ())]


def test_beyond_its_room_nothing_is_noted_and_that_is(cursor, noted):
    for number in range(3):
        cursor.execute(f"INSERT INTO one VALUES (%s, 7) -- {'x' * (LONGEST // 2)}", [number])  # noqa: S608 - made here
    found = noted.rows()
    assert found is not None
    assert (len(found.written), found.cut) == (1, True)


def test_very_many_statements_are_counted_and_only_the_first_ones_kept(cursor, noted):
    before = noted.sql().count
    for _ in range(MOST + 5):
        cursor.execute("SELECT 1")
    assert (noted.sql().count, len(noted.sql().statements)) == (before + MOST + 5, MOST)
