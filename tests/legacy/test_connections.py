"""What requests leave on a thread: a thread on which there is nothing to clean up need not be woken for that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction

from gateway.legacy.connections import may_need_tidying, rest_connections
from tests.support.databases import known_as

ALIAS = "left"


def on_a_thread(call: Callable[[], Any]) -> Any:
    """What `call` returns on a thread that has no connections yet."""
    found = []

    def run() -> None:
        found.append(call())
        connections[ALIAS].close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture
def database(tmp_path):
    """Let Django know the database with these keys."""

    def make(**keys: Any) -> None:
        settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "left.sqlite3"), **keys}
        known_as(ALIAS, settings)

    yield make
    connections.settings.pop(ALIAS, None)


def used() -> bool:
    connections[ALIAS].cursor().execute("SELECT 1")
    return may_need_tidying()


def unused() -> bool:
    assert connections[ALIAS].connection is None
    return may_need_tidying()


def in_a_transaction() -> bool:
    with transaction.atomic(using=ALIAS):
        return used()


def after_an_error() -> bool:
    used()
    connections[ALIAS].errors_occurred = True
    return may_need_tidying()


def with_autocommit_off() -> bool:
    used()
    connections[ALIAS].set_autocommit(False)
    try:
        return may_need_tidying()
    finally:
        connections[ALIAS].set_autocommit(True)


@pytest.mark.parametrize(
    ("keys", "what", "needed"),
    [
        ({"CONN_MAX_AGE": None}, used, False),
        ({"CONN_MAX_AGE": 600}, used, False),
        ({"CONN_MAX_AGE": 0}, unused, False),
        ({"CONN_MAX_AGE": 0}, used, True),  # it is to be closed
        ({"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}, used, True),  # the next use is to check it
        ({"CONN_MAX_AGE": None}, in_a_transaction, True),
        ({"CONN_MAX_AGE": None}, after_an_error, True),
        ({"CONN_MAX_AGE": None}, with_autocommit_off, True),
    ],
)
def test_only_a_connection_with_something_left_needs_its_thread(database, django_db_blocker, keys, what, needed):
    database(**keys)
    with django_db_blocker.unblock():
        assert on_a_thread(what) is needed


def test_a_connection_that_can_not_be_closed_is_logged_and_ends_nothing(monkeypatch, caplog):
    def broken() -> None:
        raise OSError("the database is away")

    monkeypatch.setattr("gateway.legacy.connections.close_old_connections", broken)
    rest_connections()
    assert "the database is away" in caplog.text
