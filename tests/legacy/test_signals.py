"""What Django does at the beginning and the end of a request is done, with and without its signals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections, reset_queries
from django.urls import get_urlconf, set_urlconf

from gateway.legacy.signals import send_signals_quickly
from tests.support.databases import known_as

ALIAS = "signalled"
SIGNALS = {"started": request_started, "finished": request_finished}


@pytest.fixture(autouse=True)
def installed(django_db_blocker: Any) -> Iterator[None]:
    """Threads of a test open connections of their own."""
    send_signals_quickly()
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def database(tmp_path: Any) -> Iterator[Callable[..., None]]:
    """Let Django know the database with these keys."""

    def make(**keys: Any) -> None:
        known_as(ALIAS, {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "one.sqlite3"), **keys})

    yield make
    connections.settings.pop(ALIAS, None)


def on_a_thread(call: Callable[[], Any]) -> Any:
    """What `call` returns on a thread without connections; what it raises is raised here."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(call())
        except BaseException as exc:  # noqa: BLE001 - raised below
            found.append(exc)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def is_open_after(signal: Any, *, sender: Any = WSGIHandler) -> bool:
    def use() -> bool:
        connections[ALIAS].ensure_connection()
        signal.send(sender=sender)
        return connections[ALIAS].connection is not None

    return on_a_thread(use)


@pytest.mark.parametrize("age", [0, 60, None])
@pytest.mark.parametrize("which", SIGNALS)
def test_a_connection_that_is_old_is_closed_and_others_are_not(database, which, age):
    database(CONN_MAX_AGE=age)
    assert is_open_after(SIGNALS[which]) is (age != 0)


@pytest.mark.parametrize("which", SIGNALS)
def test_a_connection_that_is_broken_is_closed(database, which):
    database(CONN_MAX_AGE=None)

    def use() -> bool:
        connection = connections[ALIAS]
        connection.ensure_connection()
        connection.errors_occurred = True
        connection.is_usable = lambda: False
        SIGNALS[which].send(sender=WSGIHandler)
        return connection.connection is not None

    assert on_a_thread(use) is False


def test_a_connection_that_was_opened_again_is_closed_too(database):
    database(CONN_MAX_AGE=0)

    def use() -> list[bool]:
        still_open = []
        for _ in range(3):
            connections[ALIAS].ensure_connection()
            request_finished.send(sender=WSGIHandler)
            still_open.append(connections[ALIAS].connection is not None)
        return still_open

    assert on_a_thread(use) == [False, False, False]


def test_the_connection_that_takes_the_place_of_another_is_closed_too(database):
    database(CONN_MAX_AGE=0)

    def use() -> bool:
        connections[ALIAS].ensure_connection()
        connections[ALIAS].close()
        del connections[ALIAS]
        connections[ALIAS].ensure_connection()
        request_finished.send(sender=WSGIHandler)
        return connections[ALIAS].connection is not None

    assert on_a_thread(use) is False


def test_the_connections_of_other_threads_are_left_alone(database):
    database(CONN_MAX_AGE=0)

    def use() -> bool:
        connections[ALIAS].ensure_connection()
        on_a_thread(lambda: request_finished.send(sender=WSGIHandler))
        return connections[ALIAS].connection is not None

    assert on_a_thread(use) is True


def test_the_log_of_queries_begins_anew(database):
    database()

    def use() -> int:
        connection = connections[ALIAS]
        connection.force_debug_cursor = True
        connection.cursor().execute("SELECT 1")
        assert connection.queries_log
        request_started.send(sender=WSGIHandler, environ={})
        return len(connection.queries_log)

    assert on_a_thread(use) == 0


def test_the_urlconf_of_a_request_ends_with_it():
    set_urlconf("tests.project.urls")
    request_finished.send(sender=WSGIHandler)
    assert get_urlconf() is None


def test_whoever_else_receives_a_signal_gets_it_as_ever():
    got = []

    def receive(sender: Any, **named: Any) -> None:
        got.append((sender, named["environ"]))

    request_started.send(sender=WSGIHandler, environ="before")
    request_started.connect(receive)
    try:
        request_started.send(sender=WSGIHandler, environ="one")
        request_started.disconnect(receive)
        request_started.connect(receive, sender=WSGIHandler)
        request_started.send(sender=WSGIHandler, environ="two")
    finally:
        request_started.disconnect(receive, sender=WSGIHandler)
    request_started.send(sender=WSGIHandler, environ="after")
    assert got == [(WSGIHandler, "one"), (WSGIHandler, "two")]


def test_for_another_sender_it_is_sent_as_ever(database):
    database(CONN_MAX_AGE=0)
    got = []

    def receive(sender: Any, **_: Any) -> None:
        got.append(sender)

    request_finished.connect(receive, sender=object)
    try:
        assert is_open_after(request_finished, sender=object) is False
        assert is_open_after(request_finished) is False
    finally:
        request_finished.disconnect(receive, sender=object)
    assert got == [object]


@pytest.mark.parametrize(
    ("signal", "receiver"), [(request_started, close_old_connections), (request_finished, close_old_connections)]
)
def test_a_receiver_of_djangos_that_somebody_has_disconnected_does_nothing(database, signal, receiver):
    """Django's test client does that."""
    database(CONN_MAX_AGE=0)
    signal.disconnect(receiver)
    try:
        assert is_open_after(signal) is True
    finally:
        signal.connect(receiver)
    assert is_open_after(signal) is False


def test_a_receiver_that_nobody_else_keeps_is_forgotten(database):
    """Signals hold their receivers by weak references."""
    database(CONN_MAX_AGE=0)
    request_finished.connect(lambda **_: None)
    assert is_open_after(request_finished) is False


def test_what_a_receiver_raises_is_raised_and_ends_it(database):
    def fails(**_: Any) -> None:
        raise ZeroDivisionError

    request_started.connect(fails)
    try:
        with pytest.raises(ZeroDivisionError):
            request_started.send(sender=WSGIHandler, environ={})
    finally:
        request_started.disconnect(fails)
    assert reset_queries in [reference() for _, reference, *_ in request_started.receivers]
