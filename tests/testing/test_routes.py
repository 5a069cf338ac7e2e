"""`override_route` puts a route at another stage for the time of a test."""

from __future__ import annotations

import pytest

from gateway.testing import override_route as overridden
from gateway.testing import running

PATH = "/moved/names/"


def who(client):
    return client.get(PATH).served_by


@pytest.fixture(autouse=True)
def _rows(db):
    """The project's own view reads some."""


def test_a_route_that_is_overridden_says_how():
    assert repr(overridden("moved", "canary", weight=5)) == "override_route('moved', canary at 5 %)"


def test_a_route_is_given_back_to_the_project(gateway_client, override_route):
    assert who(gateway_client) == "bridged"
    override_route("moved", stage="legacy")
    assert who(gateway_client) == "legacy"


def test_after_the_test_it_is_as_before(gateway_client):
    assert who(gateway_client) == "bridged"


def test_it_may_hold_for_a_block(gateway_client, override_route):
    with override_route("moved", stage="legacy"):
        assert who(gateway_client) == "legacy"
    assert who(gateway_client) == "bridged"


def test_blocks_may_stand_in_each_other(gateway_client):
    with overridden("moved", "legacy"):
        with overridden("moved", "live"):
            assert who(gateway_client) == "bridged"
        assert who(gateway_client) == "legacy"
    assert who(gateway_client) == "bridged"


def test_it_is_a_decorator_too(gateway_client):
    @overridden("moved", stage="legacy")
    def ask():
        return who(gateway_client)

    assert (ask(), ask(), who(gateway_client)) == ("legacy", "legacy", "bridged")


def test_other_routes_stay_where_they_are(gateway_client, override_route):
    override_route("moved", stage="legacy")
    assert gateway_client.get("/bridged/names/").served_by == "bridged"


def test_the_reason_is_the_stage(gateway_app, override_route):
    override_route("moved", stage="legacy")
    assert gateway_app.snapshot.compiled["moved"].fixed.reason == "route 'moved' is at stage legacy"


def test_a_canary_takes_its_share_of_callers(gateway_client, override_route):
    override_route("moved", "canary", 100)
    assert who(gateway_client) == "bridged"


def test_a_stage_that_there_is_not_is_an_error(override_route):
    with pytest.raises(ValueError, match="one of legacy, shadow, canary, live, retired"):
        override_route("moved", "beta")


def test_an_unknown_route_is_an_error_that_names_those_there_are(override_route):
    with pytest.raises(LookupError, match="there is no route 'catalogue'; there are: plain, bridged, moved"):
        override_route("catalogue", stage="legacy")


def test_the_gateway_is_the_one_that_runs(gateway_app):
    assert running().gateway is gateway_app
