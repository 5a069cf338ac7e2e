"""A replay is kept as evidence, or it is said why not."""

from __future__ import annotations

import pytest
from django.db import connection

from gateway.control.models import Replay
from gateway.workbench.replay.result import ReplayResult
from gateway.workbench.replay.stored import accepted_now, store
from tests.workbench.reports.results import case, finding, result

pytestmark = pytest.mark.django_db


def test_each_route_has_its_own(settings):
    assert store(result(case(1), case(2, finding())), "ada") is None
    (row,) = Replay.objects.all()
    assert (row.route, row.release, row.cases, row.blocking, row.who) == ("catalog", "r7", 2, 1, "ada")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (result(case(1), side="service"), "only a replay of both sides is evidence"),
        (result(releases={}), "nothing was compared"),
    ],
)
def test_what_is_no_evidence_is_not_kept(found: ReplayResult, why: str):
    assert store(found, "ada") == why
    assert not Replay.objects.exists()


def test_without_the_app_nothing_is_kept_or_accepted(settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "gateway.control"]
    assert store(result(case(1)), "ada") == '"gateway.control" is not in INSTALLED_APPS'
    assert accepted_now() == {}


def test_without_its_table_it_says_to_migrate():
    connection.cursor().execute("ALTER TABLE gateway_control_replay RENAME TO gone")
    assert store(result(case(1)), "ada") == "the table for it is missing: run `python manage.py migrate`"


def test_what_the_database_says_is_the_reason():
    connection.cursor().execute("ALTER TABLE gateway_control_replay RENAME COLUMN release TO released")
    assert (store(result(case(1)), "ada") or "").startswith("the database can't be asked (")


def test_where_accepted_differences_can_not_be_read_there_are_none():
    connection.cursor().execute("ALTER TABLE gateway_control_accepteddifference RENAME TO gone")
    assert accepted_now() == {}
