"""`gateway_contract`: both sides of a route, with every row that they leave behind."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from django.contrib.auth.models import Group

pytestmark = pytest.mark.django_db


def test_what_differs_is_said_whatever_its_severity(gateway_contract):
    Group.objects.create(name="the editors")
    both = gateway_contract("moved").ask("GET", "/moved/names/")
    assert (both.legacy.body, both.service.status) == (b'["the editors"]', 200)
    assert any("the editors" in difference and "the service" in difference for difference in both.differences)


def test_what_is_the_same_is_none(gateway_contract):
    Group.objects.create(name="the service")
    assert gateway_contract("moved").ask("GET", "/moved/names/").differences == []


def test_rows_of_both_sides_are_compared(gateway_contract):
    both = gateway_contract("moved").ask("GET", "/moved/names/")
    table = Group._meta.db_table
    assert both.legacy_rows.get(table, []) == both.service_rows.get(table, [])
    lost = replace(both, legacy_rows={table: [{"id": 1, "name": "lost"}]}, service_rows={})
    words = "only legacy has [{'id': 1, 'name': 'lost'}], only the service has []"
    assert lost.differences[-1] == f"rows of {table}: {words}"


@pytest.mark.parametrize(
    ("data", "content_type", "sent"),
    [
        (None, None, ""),
        ("a=1", "text/plain", "a=1"),
        (b"a=1", "text/plain", "a=1"),
        ({"a": [1, 2], "b": "x y"}, "application/x-www-form-urlencoded", "a=1&a=2&b=x+y"),
        ({"a": [1, 2]}, None, '{"a": [1, 2]}'),
    ],
)
def test_a_body_is_sent_as_its_type_says(gateway_contract, data, content_type, sent):
    both = gateway_contract("moved").ask("POST", "/moved/sent/", data, content_type=content_type)
    assert both.legacy.body.decode() == sent
    assert both.differences == []


@pytest.mark.parametrize("login", ["session", "force"])
@pytest.mark.parametrize("name", ["ada", None])
def test_a_user_is_whoever_the_test_names(gateway_contract, django_user_model, login, name):
    user = name and django_user_model.objects.create_user(name, "ada@example.com")
    both = gateway_contract("moved", login=login).ask("GET", "/moved/caller/", user=user)
    assert both.legacy.body.decode() == both.service.body.decode() == (name or "")


def test_without_time_machine_the_clock_runs_on(gateway_contract, monkeypatch):
    monkeypatch.setitem(sys.modules, "time_machine", None)
    assert gateway_contract("moved").ask("GET", "/moved/names/").legacy.status == 200


@pytest.mark.long
def test_nothing_is_left_of_what_a_request_writes(gateway_contract, django_user_model):
    user = django_user_model.objects.create_user("ada", "ada@example.com", "x")
    before = Group.objects.count()
    gateway_contract("moved").ask("POST", "/moved/names/", {"name": "new"}, user=user)
    assert Group.objects.count() == before


def test_a_route_that_there_is_not_is_told_with_those_there_are(gateway_contract):
    with pytest.raises(LookupError, match=r"there is no route 'nothing' in gateway.toml; there are: .*moved"):
        gateway_contract("nothing")
