"""Copies of databases on a server: of one that others use, by a user who may not, where programs are missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connections

from gateway.workbench.replay.scratch import CantCopy, Scratch
from gateway.workbench.replay.scratch import run as scratch
from gateway.workbench.replay.scratch.mysql import MysqlCopies
from gateway.workbench.replay.scratch.postgresql import PostgresqlCopies, clean
from tests.support.databases import empty_database, known_as
from tests.support.postgres import HOST, PORT, USER

MAKERS = {"postgres": PostgresqlCopies, "mariadb": MysqlCopies}


@pytest.fixture
def copies(tmp_path: Any, django_db_blocker: Any) -> Iterator[Callable[..., Any]]:
    """What copies an empty database of a kind, which has a table of one row; keyword arguments are its settings."""
    opened = []

    @contextmanager
    def made(kind: str, **settings: Any) -> Iterator[Any]:
        with empty_database(kind, tmp_path) as database:
            known_as("copied", database.settings)
            connection = connections.create_connection("copied")
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE t (a INTEGER)")
                cursor.execute("INSERT INTO t VALUES (1)")
            connection.close()
            connection.settings_dict = connection.settings_dict | settings
            opened.append(connection)
            copied = MAKERS[kind](connection)
            try:
                yield copied
            finally:
                connection.settings_dict = connection.settings_dict | database.settings
                copied.drop()
                connection.close()

    with django_db_blocker.unblock():
        yield made
    connections.settings.pop("copied", None)


def rows(name: str) -> list[Any]:
    """What is in the table of a database of PostgreSQL."""
    with psycopg.connect(host=HOST, port=PORT, user=USER, dbname=name) as connection:
        return connection.execute("SELECT a FROM t").fetchall()


@pytest.mark.slow
def test_a_database_that_others_use_is_copied_by_a_dump(copies):
    """A template may have no other connections: PostgreSQL waits five seconds for them to end."""
    with copies("postgres") as copied:
        source = copied._connection.settings_dict["NAME"]
        with psycopg.connect(host=HOST, port=PORT, user=USER, dbname=source) as other:
            names = [found["NAME"] for found in copied.make(2)]
            other.execute("INSERT INTO t VALUES (2)")
        assert [rows(name) for name in (*names, source)] == [[(1,)], [(1,)], [(1,), (2,)]]


class AsPsycopg2:
    """A connection that has what psycopg2's have: no `execute` of its own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @property
    def autocommit(self) -> bool:
        return bool(self._connection.autocommit)

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        self._connection.autocommit = value

    def cursor(self) -> Any:
        return self._connection.cursor()

    def close(self) -> None:
        self._connection.close()


def test_the_driver_may_be_psycopg2(copies):
    with copies("postgres") as copied:
        connection = copied._connection
        connection.get_new_connection = lambda given: AsPsycopg2(type(connection).get_new_connection(connection, given))
        (found,) = copied.make(1)
        assert rows(found["NAME"]) == [(1,)]
        assert found["NAME"] not in clean(connection)  # it is in use
        del connection.get_new_connection


@pytest.fixture
def nobody() -> Iterator[str]:
    """A role that may make no database."""
    name = f"gateway_test_nobody_{os.getpid()}"
    with psycopg.connect(host=HOST, port=PORT, user=USER, dbname="postgres", autocommit=True) as admin:
        admin.execute(f"DROP ROLE IF EXISTS {name}")
        admin.execute(f"CREATE ROLE {name} LOGIN")
        yield name
        admin.execute(f"DROP ROLE {name}")


def test_a_user_who_may_make_no_database_is_told_what_to_ask_for(copies, nobody):
    with copies("postgres", USER=nobody) as copied, pytest.raises(CantCopy, match=f'ALTER USER "{nobody}" CREATEDB'):
        copied.make(1)


def test_a_server_that_can_not_be_reached_is_said(copies):
    with (
        copies("postgres", PORT=9) as copied,
        pytest.raises(CantCopy, match=r"\['copied'\]: no connection to 'postgres'"),
    ):
        copied.make(1)


def test_a_database_that_is_not_there_is_said(copies):
    said = r"\['copied'\]: no copy to replay in can be made: .*\"gateway_test_none\" does not exist"
    with copies("postgres", NAME="gateway_test_none") as copied, pytest.raises(CantCopy, match=said):
        copied.make(1)


def test_a_dump_that_fails_is_said_in_its_own_words(copies, monkeypatch, tmp_path):
    failing = tmp_path / "mariadb-dump"
    failing.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 2\n")
    failing.chmod(0o700)
    monkeypatch.setattr(shutil, "which", lambda _: str(failing))
    with (
        copies("mariadb") as copied,
        pytest.raises(CantCopy, match=r"can't be copied by .*mariadb-dump: no space left"),
    ):
        copied.make(1)


def test_without_a_program_to_dump_with_it_is_named(copies, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with copies("mariadb") as copied, pytest.raises(CantCopy, match="neither of mariadb-dump, mysqldump to copy"):
        copied.make(1)


def test_a_server_that_makes_no_database_says_why(copies):
    with copies("mariadb") as copied:
        copied._name = "x" * 100
        with pytest.raises(CantCopy, match=r"no copy to replay in can be made: .*GRANT ALL ON"):
            copied.make(1)


# -- all databases of a project ---------------------------------------------------------------------


class Copied:
    """Copies that can't be removed."""

    def __init__(self, connection: Any) -> None:
        self._alias = connection.alias

    def make(self, count: int) -> list[dict[str, Any]]:
        return [{"NAME": f"{self._alias}-{number}"} for number in range(count)]

    def drop(self) -> None:
        raise PermissionError("not mine")


def test_each_database_is_copied_once_whatever_aliases_it_has(monkeypatch, caplog):
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": "one"}
    known_as("default_again", settings)
    known_as("scratch", settings | {"NAME": "scratch"})
    known_as("replica", settings | {"NAME": "two", "TEST": {"MIRROR": "default_again"}})
    monkeypatch.setattr(scratch, "MAKERS", {"sqlite": Copied})
    monkeypatch.setattr(scratch, "clean", list)
    try:
        with Scratch(2, {"default_again": "scratch"}) as copies:
            found = {alias: copies.of(1)[alias]["NAME"] for alias in ("default_again", "scratch", "replica")}
        assert found == dict.fromkeys(found, "default_again-1")
        assert caplog.text.count("a copy could not be removed: `gateway replay --clean` does") >= 1
    finally:
        for alias in ("default_again", "scratch", "replica"):
            connections.settings.pop(alias)


def test_a_database_of_another_kind_is_said(monkeypatch):
    monkeypatch.setattr(scratch, "MAKERS", {})
    monkeypatch.setattr(scratch, "clean", list)
    with pytest.raises(CantCopy, match=r"DATABASES\['default'\] is SQLite, which replay can't copy"), Scratch(1, {}):
        raise AssertionError
