"""When it is too early to delete a view."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.config.parse import parse
from gateway.control.endpoint_days import DAY
from gateway.control.models import EndpointDay, RouteState
from gateway.workbench.retire.traffic import unproved

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PATTERN = "api/quotes/<int:product_pk>/"
pytestmark = pytest.mark.django_db


def missing(days: int = 14, **more: Any) -> list[str]:
    route: dict[str, Any] = {"name": "quotes", "prefix": "/api/quotes", "service": "s", **more}
    config, problems = parse({"legacy": {}, "services": {"s": {"app": "x:y"}}, "routes": [route]})
    assert problems == []
    return list(unproved(config.routes[0], {PATTERN}, days, NOW))


def retired(ago: timedelta, stage: str = "retired") -> None:
    RouteState.objects.create(route="quotes", stage=stage, since=NOW - ago, revision=1, who="ada")


def asked(ago: timedelta, upstream: str = "legacy", label: str = PATTERN, requests: int = 3) -> None:
    seen = NOW - ago
    day = int(seen.timestamp()) // DAY * DAY
    EndpointDay.objects.create(
        worker="",
        day=day,
        key=f"{upstream}{label}"[:32],
        upstream=upstream,
        method="GET",
        label=label,
        requests=requests,
        seen=seen,
    )


def test_a_route_that_is_quiet_for_long_enough_lacks_nothing():
    retired(timedelta(days=20))
    asked(timedelta(days=19))
    asked(timedelta(days=1), upstream="quotes")
    asked(timedelta(days=1), label="api/other/")
    assert missing() == []


@pytest.mark.parametrize("stage", ["legacy", "shadow", "live"])
def test_a_route_with_a_way_back_lacks_everything(stage):
    retired(timedelta(days=20), stage)
    assert missing() == [f"it is at {stage}: `gateway promote quotes --to retired` first"]


def test_a_route_that_was_retired_lately():
    retired(timedelta(days=3))
    assert missing() == ["it is retired for 3 days, not for 14"]
    assert missing(days=3) == []


def test_a_route_that_the_file_retires_has_no_day_to_count_from():
    assert missing(stage="retired") == [
        "since when it is retired isn't known: the file says it, and no move of the route"
    ]


def test_a_project_that_is_asked_still():
    retired(timedelta(days=20))
    asked(timedelta(days=2))
    assert missing() == [f"GET {PATTERN} was asked of Django 3 times in the last 14 days, the last on 2026-11-28"]


def test_a_project_without_the_app_can_not_tell(settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "gateway.control"]
    assert "isn't known" in missing()[0]
