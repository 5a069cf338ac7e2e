"""`thread_state` finds the middleware whose notes for the view a service's code would not find."""

from __future__ import annotations

import logging

import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session

from gateway.bridge.probe import unlogged
from gateway.bridge.thread_state import thread_state

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.table]
PLACE = "connections['default']"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


@pytest.fixture
def tried(settings):
    """What is found of the middleware of these names, in `tests.project.notes`."""

    def run(*names):
        settings.MIDDLEWARE = [SESSIONS, *(f"tests.project.notes.{name}" for name in names)]
        found = thread_state()
        return {path.rpartition(".")[2]: what for path, what in found.left.items()}, found.untried

    return run


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("taken_back", "a threading.local of tests.project.notes"),
        ("in_fields", "a threading.local of tests.project.notes"),
        ("left_there", "a threading.local of tests.project.notes.Holder"),
        ("one_more_in_a_list", "a threading.local of tests.project.notes"),
        ("when_posting", "a threading.local of tests.project.notes"),
        ("on_the_connection", f"{PLACE}.tenant"),
        ("around_queries", f"{PLACE}.execute_wrappers"),
        ("in_a_transaction", f"a transaction on {PLACE}"),
    ],
)
def test_what_is_on_the_thread_or_the_connection_is_found(tried, name, what):
    assert tried(name) == ({name: what}, [])


def test_each_entry_is_told_from_the_others(tried):
    found, _ = tried("taken_back", "in_the_context", "on_the_connection")
    assert found.keys() == {"on_the_connection", "taken_back"}


@pytest.mark.parametrize("name", ["once_for_each_thread", "in_the_context"])
def test_what_is_there_on_every_thread_or_goes_along_is_nothing(tried, name):
    assert tried(name) == ({}, [])


def test_django_s_own_leave_nothing(settings):
    found = thread_state()
    assert (found.left, found.untried) == ({}, [])


def test_what_comes_after_an_answer_is_said_to_be_untried(tried):
    assert tried("answering", "taken_back") == (
        {},
        ["tests.project.notes.answering", "tests.project.notes.taken_back"],
    )


def test_nothing_is_left_behind(tried):
    assert tried("written") == ({}, [])
    assert (Group.objects.count(), Session.objects.count()) == (0, 0)


def test_only_what_is_chosen_is_tried(settings):
    settings.MIDDLEWARE = [SESSIONS, "tests.project.notes.taken_back"]
    assert thread_state([SESSIONS]).left == {}


def test_the_request_is_in_no_log_and_logging_goes_on_afterwards(settings, caplog):
    """It would be a caller's, in the project's own log: `gateway check` had eight such lines for each service."""
    settings.MIDDLEWARE = ["legacy.middleware.request_log.RequestLogMiddleware"]
    with caplog.at_level(logging.INFO):
        assert thread_state().untried == []
        logging.getLogger("legacy.requests").info("a caller's")
    assert caplog.messages == ["a caller's"]


def test_an_error_in_a_middleware_is_in_the_log(caplog):
    with unlogged():
        logging.getLogger("legacy.requests").warning("not this")
        logging.getLogger("legacy.requests").error("this")
    assert caplog.messages == ["this"]
