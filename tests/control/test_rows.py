"""How a row of each model names itself: in a shell, in messages of Django, and in an admin of the project's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.apps import apps
from django.core import serializers
from django.db import models

from gateway.control import models as control
from gateway.control.timestamps import NEVER

AT = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
STAGED = {"route": "catalog", "side": "service", "start": AT}
WORKER = control.Worker(host="web1", pid=7)
RECORDING = control.Recording(id=3, who="ada")

ROWS: dict[str, models.Model] = {
    "cart": control.Route(name="cart"),
    "12": control.Revision(number=12),
    "catalog: live": control.RouteState(route="catalog", stage="live"),
    "12: ada promote catalog": control.Change(revision=12, who="ada", verb="promote", route="catalog"),
    "web1:7": WORKER,
    "catalog: 2 of 10": control.Replay(route="catalog", blocking=2, cases=10),
    "catalog service 2026-12-01 14:30:00+00:00": control.CounterWindow(**STAGED),
    "catalog 2026-12-01 14:30:00+00:00": control.MirrorWindow(route="catalog", start=AT),
    "catalog legacy 2026-12-01 14:30:00+00:00": control.Hour(**STAGED | {"side": "legacy"}),
    "catalog GET /items/{id}/": control.EndpointDay(upstream="catalog", method="GET", label="/items/{id}/"),
    "catalog": control.RouteDifferences(route="catalog"),
    "catalog: no name": control.DifferenceGroup(route="catalog", summary="no name"),
    "catalog: body /name until 2026-12-24": control.AcceptedDifference(
        route="catalog", kind="body", pointer="/name", until=date(2026, 12, 24)
    ),
    "catalog: abc": control.AcceptedMatch(route="catalog", key="abc"),
    "3 by ada": RECORDING,
    "3 by ada web1:7": control.RecordingTally(recording=RECORDING, worker=WORKER),
    "3 by ada GET /items/": control.Sample(recording=RECORDING, endpoint="GET /items/"),
    "chat: promote, due": control.HookDelivery(hook="chat", payload={"type": "promote"}, state="due"),
    "breaker catalog": control.EventMark(key="breaker catalog"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_names_itself(name):
    assert str(ROWS[name]) == name


@pytest.mark.parametrize("kind", ["json", "jsonl", "xml", "python"])
def test_a_time_is_the_same_after_a_dump_and_a_load(kind):
    row = control.Recording(id=3, who="ada", started=AT, until=AT.astimezone(timezone(timedelta(hours=2))), plan={})
    [found] = serializers.deserialize(kind, serializers.serialize(kind, [row]))
    assert (found.object.started, found.object.until, found.object.ended) == (AT, AT, NEVER)


def test_every_model_has_a_name_for_its_rows():
    assert {*apps.get_app_config("gateway_control").get_models()} == {type(row) for row in ROWS.values()}
