"""What notes SQL stays on a connection as long as that lives, and out of the way of blocks that are open on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import translation

from gateway.context.recording import Recorder, recorder
from gateway.context.sql_recorder import record_sql
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
