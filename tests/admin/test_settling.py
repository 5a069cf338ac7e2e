"""Differences are settled on a page of their own, with a reason."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from gateway.control import reports
from gateway.control.database import DatabaseBusy
from gateway.control.settle import NoSuchGroup, accepted_at_run_time
from tests.admin.conftest import difference, serving
from tests.control.conftest import make_route

pytestmark = pytest.mark.django_db

URL = f"/admin/gateway_control/route/cart_5Flines/change/differences/{'f' * 32}/"
CART = make_route(name="cart_lines")


@pytest.fixture(autouse=True)
def found(toml, now):
    """One difference is open."""
    serving(now)
    difference()


@pytest.fixture
def client(staff):
    return staff("view_route", "accept_differences")


def state() -> str:
    (one,) = reports.differences(CART)
    return one.state


def test_the_route_leads_there(client):
    assert 'href="differences/ffff' in client.get(URL.partition("differences")[0]).content.decode()


def test_resolved_by_a_release(client):
    assert client.post(URL, {"verb": "resolve", "why": "rounded now", "release": "r2"}).status_code == 302
    (one,) = reports.differences(CART)
    assert (one.state, one.resolved_by, one.resolved_why) == ("resolved", "ana", "by release r2: rounded now")
    assert "resolved" in LogEntry.objects.get().get_change_message()


@pytest.mark.parametrize("form", [{"verb": "resolve", "why": " "}, {"verb": "forget", "why": "so"}, {}])
def test_without_a_reason_or_a_verb_nothing_is_settled(client, form):
    response = client.post(URL, form)
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()
    assert state() == "open"


def test_what_was_typed_is_kept(client):
    page = client.post(URL, {"verb": "resolve", "why": "", "release": "r<2"}).content.decode()
    assert 'value="r&lt;2"' in page


def test_without_the_permission_nothing_is_settled(staff):
    operator = staff("view_route", "operate_route", name="bob")
    assert operator.post(URL, {"verb": "resolve", "why": "so"}).status_code == 403
    assert "method=" not in operator.get(URL).content.decode().partition('id="gateway-admin"')[2]
    assert state() == "open"


def test_another_difference_is_not_found(client):
    assert client.get(URL.replace("ffff", "eeee")).status_code == 404


ERRORS = {"busy": (DatabaseBusy("locked"), 503), "gone": (NoSuchGroup("there is no such difference"), 409)}


@pytest.mark.parametrize("error", ERRORS)
def test_what_can_not_be_stored_loses_nothing(client, monkeypatch, error):
    raised, status = ERRORS[error]

    def broken(*_, **__):
        raise raised

    monkeypatch.setattr("gateway.admin.settling.resolve", broken)
    response = client.post(URL, {"verb": "resolve", "why": "my reason"})
    assert response.status_code == status
    assert str(raised) in response.content.decode()
    assert 'value="my reason"' in response.content.decode()


# -- accepted --------------------------------------------------------------------------------------


def test_accepted_until_a_day(client, now):
    tomorrow = (now + timedelta(days=1)).date()
    form = {"verb": "accept", "why": "clients round it", "until": tomorrow.isoformat()}
    assert client.post(URL, form).status_code == 302
    (accepted,) = accepted_at_run_time(now.date())["cart_lines"]
    assert (accepted.path, accepted.kind, accepted.owner, accepted.expires) == ("/price", "primitive", "ana", tomorrow)
    assert state() == "resolved"
    assert f"until {tomorrow}: clients round it" in LogEntry.objects.get().get_change_message()


@pytest.mark.parametrize("until", ["", "soon", "2020-01-01"])
def test_a_day_that_is_over_or_none_is_refused(client, until):
    response = client.post(URL, {"verb": "accept", "why": "my reason", "until": until})
    assert response.status_code == 400
    assert 'value="my reason"' in response.content.decode()
    assert state() == "open"
