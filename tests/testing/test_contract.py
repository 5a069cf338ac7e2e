"""`gateway_contract`: both sides of a route, with every row that they leave behind."""

from __future__ import annotations

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


@pytest.mark.long
def test_nothing_is_left_of_what_a_request_writes(gateway_contract, django_user_model):
    user = django_user_model.objects.create_user("ada", "ada@example.com", "x")
    before = Group.objects.count()
    gateway_contract("moved").ask("POST", "/moved/names/", {"name": "new"}, user=user)
    assert Group.objects.count() == before


def test_a_route_that_there_is_not_is_told_with_those_there_are(gateway_contract):
    with pytest.raises(LookupError, match=r"there is no route 'nothing' in gateway.toml; there are: .*moved"):
        gateway_contract("nothing")
