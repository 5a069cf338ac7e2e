"""`gateway status`."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from rich.console import Console

from gateway.cli.tables import STAYS, full_table, overview
from gateway.config.routes import RouteConfig
from gateway.control import reports
from gateway.control.reports import (
    DifferenceCounts,
    MirrorStats,
    OrphanedRoute,
    RouteStatus,
    SideStats,
    TrafficStats,
    WorkerReport,
)
from gateway.control.transitions import CurrentState
from gateway.rollout.guard import Judgement, Verdict
from gateway.rollout.stage import State

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
REASON = "error rate 3.2 % against legacy's 0.1 % over 412 requests in 60 s; allowed 1.0 points more"
NO_SIDE = SideStats(0, 0, 0, 0.0, None, None)
NO_MIRRORS = MirrorStats(0, 0, 0, 0, 0, 0, 0, None, {})
NOTHING = TrafficStats(3600.0, NO_SIDE, NO_SIDE, NO_MIRRORS)
HOUR = TrafficStats(
    3600.0,
    SideStats(1234, 12, 3, 0.0097, 0.0041, 0.0123),
    SideStats(98765, 0, 0, 0.0, 0.0092, 1.5),
    MirrorStats(600, 500, 490, 10, 1, 5, 0, 98.0, {"queue": 70, "lag": 2}),
)
ROUTE = RouteStatus(
    route="catalog",
    service="newer",
    declared=State("live"),
    current_state=CurrentState(State("canary", 25.0), 12, NOW - timedelta(minutes=5), "ada", "a quiet hour"),
    window=NOTHING,
    hour=HOUR,
    differences=DifferenceCounts(breaking=2, warning=1, noise=4),
    verdict=Judgement(Verdict.FAILING, (REASON,)),
    next="waits to go to canary at 50 %: too early",
    lately=HOUR,
)
QUIET = RouteStatus(
    "price",
    "pricing",
    State("legacy"),
    CurrentState(State("legacy")),
    NOTHING,
    NOTHING,
    DifferenceCounts(),
    None,
    STAYS,
    NOTHING,
)
WORKER = WorkerReport("a", "web1", 42, NOW, NOW, 12, 0, 0)


def drawn(
    *routes: RouteStatus, workers: tuple[WorkerReport, ...] = (WORKER,), orphans: tuple[OrphanedRoute, ...] = ()
) -> list[str]:
    """The lines on a terminal of 100 columns."""
    written = StringIO()
    Console(width=100, file=written).print(full_table(routes, orphans, workers, NOW))
    return [line.rstrip() for line in written.getvalue().splitlines()]


def test_shows_both_sides_of_a_route():
    assert [line.split() for line in drawn(ROUTE)[:3]] == [
        ["route", "stage", "verdict", "side", "requests", "errors", "p50", "p95", "parity"],
        [
            "catalog",
            "canary",
            "25",
            "%",
            "failing",
            "newer",
            "1,234",
            "1.0",
            "%",
            "4.1",
            "ms",
            "12.3",
            "ms",
            "98.0",
            "%",
        ],
        ["file:", "live", "legacy", "98,765", "0.0", "%", "9.2", "ms", "1.5", "s", "of", "500"],
    ]


def test_shows_how_a_side_without_callers_answered_mirrors():
    shadow = replace(HOUR, service=NO_SIDE, service_mirrored=SideStats(600, 6, 0, 0.01, 0.004, 0.012))
    line = drawn(replace(ROUTE, lately=shadow))[1]
    assert line.partition("newer")[2].split() == ["600", "mirrors", "1.0", "%", "4", "ms", "12", "ms", "98.0", "%"]


def test_a_service_back_in_shadow_is_shown_by_its_mirrors():
    """The hour may have callers of before; the verdict, which stands beside it, is on mirrors."""
    hour = replace(HOUR, service_mirrored=SideStats(600, 6, 0, 0.01, 0.004, 0.012))
    back = CurrentState(State("shadow"), 13, NOW, "ada", "wrong prices")
    line = drawn(replace(ROUTE, current_state=back, lately=hour))[1]
    assert line.partition("newer")[2].split()[:2] == ["600", "mirrors"]


def test_shows_nothing_where_nothing_happened():
    assert [line.split() for line in drawn(QUIET)[1:3]] == [
        ["price", "legacy", "–", "pricing", "0", "–", "–", "–", "–"],
        ["legacy", "0", "–", "–", "–"],
    ]


def test_says_of_each_route_what_there_is_to_say():
    assert drawn(replace(ROUTE, verdict=Judgement(Verdict.FAILING, ("too many errors", "too slow"))))[5:] == [
        "catalog: by ada 5 min ago: a quiet hour (revision 12)",
        "         failing, too many errors",
        "         failing, too slow",
        "         legacy answered 3 times for newer, which counts as its errors",
        "         differences: 2 breaking, 1 warning, 4 noise; `gateway diffs catalog`",
        "         mirrors: 600 sent, 72 dropped (queue 70, lag 2)",
        "         it waits to go to canary at 50 %: too early",
        "1 worker at revision 12",
    ]


def test_says_nothing_of_a_route_that_is_where_the_file_puts_it_and_is_not_judged():
    assert drawn(QUIET)[5:] == ["1 worker at revision 12"]


def test_fits_a_hundred_columns():
    long = replace(ROUTE, route="catalog-of-everything", service="catalog-service", current_state=ROUTE.current_state)
    lines = drawn(long, QUIET)
    assert max(map(len, lines)) <= 100
    assert "inconclusive" in drawn(replace(long, verdict=Judgement(Verdict.INCONCLUSIVE, ())))[1]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 s ago"), (59, "59 s ago"), (61, "1 min ago"), (7200, "2 h ago"), (2e5, "2 d ago")]
)
def test_says_how_long_ago(seconds, shown):
    current_state = replace(ROUTE.current_state, since=NOW - timedelta(seconds=seconds))
    assert f"by ada {shown}" in drawn(replace(ROUTE, current_state=current_state))[5]


def test_names_workers_that_are_behind():
    assert drawn(QUIET, workers=(WORKER, replace(WORKER, pid=43, revision=11)))[-1] == (
        "2 workers at revision 12, but web1:43 at 11"
    )


def test_a_revision_that_no_worker_has_yet_is_the_newest():
    assert drawn(ROUTE, workers=(replace(WORKER, revision=11),))[-1] == "1 worker at revision 12, but web1:42 at 11"


def test_says_that_nobody_serves():
    assert drawn(QUIET, workers=())[-1] == "No worker serves now."


def test_a_worker_that_has_stopped_is_not_behind():
    stopped = replace(WORKER, pid=43, revision=1, seen=NOW - timedelta(seconds=30))
    assert drawn(ROUTE, workers=(WORKER, stopped))[-2:] == ["1 worker at revision 12", "web1:43 was last seen 30 s ago"]


def test_says_what_could_not_be_stored():
    lines = drawn(QUIET, workers=(replace(WORKER, lost_requests=1000, lost_differences=2),))
    assert lines[-1] == "1,002 requests and differences could not be stored, and are not in these numbers"


def test_names_a_route_that_is_gone():
    assert "former: not in the file any more; it was at live" in drawn(
        QUIET, orphans=(OrphanedRoute("former", CurrentState(State("live"))),)
    )


# -- all routes, a line for each ------------------------------------------------------------------------

CONFIG = RouteConfig(name="catalog", prefix="/api", service="newer")
HEALTHY = Judgement(Verdict.HEALTHY, ("error rate 0.0 %",))
FAILING = Judgement(Verdict.FAILING, (REASON,))
TOO_FEW = Judgement(Verdict.INCONCLUSIVE, ("nothing was compared in 60 s",))
CLEAN, BROKEN = DifferenceCounts(), DifferenceCounts(breaking=2)
CLIMBS = {"interval": 600.0, "steps": (25.0, 50.0)}
# Stage, verdict, differences, the route's keys, and what is said of it.
SAID = [
    ("legacy", None, CLEAN, {}, "`gateway promote catalog` goes to shadow"),
    (
        "legacy",
        None,
        CLEAN,
        {"methods": ("POST",)},
        "`gateway promote catalog --to canary --anyway --why '…'` goes to canary at 1 % (nothing of it is compared)",
    ),
    (
        "shadow",
        TOO_FEW,
        CLEAN,
        {},
        (
            "inconclusive: nothing was compared in 60 s; "
            "once there is evidence, `gateway promote catalog` goes to canary at 1 %"
        ),
    ),
    ("shadow", HEALTHY, CLEAN, {}, "healthy; `gateway promote catalog` goes to canary at 1 %"),
    ("shadow", HEALTHY, BROKEN, {}, "healthy; `gateway diffs catalog` shows 2 breaking differences"),
    (
        "shadow",
        HEALTHY,
        replace(BROKEN, breaking=1),
        {},
        "healthy; `gateway diffs catalog` shows 1 breaking difference",
    ),
    (
        "shadow",
        FAILING,
        CLEAN,
        {},
        f"failing: {REASON}; once there is evidence, `gateway promote catalog` goes to canary at 1 %",
    ),
    ("shadow", FAILING, BROKEN, {}, f"failing: {REASON}; `gateway diffs catalog` shows 2 breaking differences"),
    (
        "shadow",
        TOO_FEW,
        CLEAN,
        {"methods": ("POST",)},
        "nothing of it is compared; `gateway promote catalog` goes to canary at 1 %",
    ),
    (
        "shadow",
        TOO_FEW,
        CLEAN,
        {"mirror": {"shadow": 0.0}},
        "nothing of it is compared; `gateway promote catalog` goes to canary at 1 %",
    ),
    ("canary", HEALTHY, CLEAN, {}, "healthy; `gateway promote catalog` goes to canary at 50 %"),
    ("canary", HEALTHY, CLEAN, CLIMBS, "healthy; waits to go to canary at 50 %: too early"),
    ("canary", None, CLEAN, {**CLIMBS, "guard": False}, "`gateway promote catalog` goes to canary at 50 %"),
    ("canary", FAILING, CLEAN, CLIMBS, f"failing: {REASON}; is about to be rolled back"),
    ("live", HEALTHY, CLEAN, {}, "healthy; stays"),
    ("live", FAILING, CLEAN, {}, f"failing: {REASON}; is about to be rolled back"),
    (
        "retired",
        None,
        CLEAN,
        {},
        "`gateway check` says which views can be deleted; back only by `gateway rollback catalog --force`",
    ),
]


def line_of(route, config=CONFIG, **more):
    written = StringIO()
    Console(width=400, file=written).print(overview([route], [config], (), (WORKER,), NOW))
    return [line.rstrip() for line in written.getvalue().splitlines()]


@pytest.mark.parametrize(("stage", "verdict", "differences", "keys", "said"), SAID)
def test_says_in_a_line_what_is_true_and_what_to_do(stage, verdict, differences, keys, said):
    config = RouteConfig.model_validate({"name": "catalog", "prefix": "/api", "service": "newer", **keys})
    current_state = CurrentState(State(stage, 25.0 if stage == "canary" else 0.0), 12, NOW)
    line = line_of(replace(ROUTE, current_state=current_state, verdict=verdict, differences=differences), config)[1]
    assert (line[:8], line[-len(said) - 2 :]) == ("catalog ", f"  {said}")


def test_says_that_a_healthy_canary_was_not_compared():
    route = replace(ROUTE, verdict=HEALTHY, differences=CLEAN, lacking="0 answers of this release compared")
    said = (
        "healthy; 0 answers of this release compared; once there is evidence, `gateway promote catalog` goes to canary"
    )
    assert said in line_of(route)[1]


def test_shows_both_sides_in_a_line():
    line = line_of(replace(ROUTE, verdict=HEALTHY, differences=CLEAN))[1]
    assert [cell.strip() for cell in re.split(r"\s{2,}", line)][:5] == [
        "catalog",
        "canary 25 % (file: live)",
        "1,234, 1.0 % errors",
        "98,765, 0.0 % errors",
        "98.0 % of 500",
    ]


def test_ten_idle_routes_take_ten_lines():
    routes = [replace(QUIET, route=f"route-{number}") for number in range(10)]
    configs = [RouteConfig(name=route.route, prefix=f"/{route.route}", service="pricing") for route in routes]
    written = StringIO()
    Console(width=400, file=written).print(overview(routes, configs, (), (WORKER,), NOW))
    assert len(written.getvalue().splitlines()) == 1 + 10 + 2  # the heading; whose numbers these are; the workers


# -- the command --------------------------------------------------------------------------------------


@pytest.fixture
def reported(monkeypatch):
    """What `gateway.control` reports."""
    monkeypatch.setattr(reports, "status", lambda routes, now: [replace(ROUTE, route=route.name) for route in routes])
    monkeypatch.setattr(reports, "orphans", lambda routes: [])
    monkeypatch.setattr(reports, "workers", lambda now: [WORKER])


def test_json_has_everything(invoke, catalog, reported):
    document = json.loads(invoke("status", "price", "--json").stdout)
    (route,) = document["routes"]
    assert (document["control"], [worker["pid"] for worker in document["workers"]]) == (True, [42])
    assert (route["declared"]["stage"], route["effective"]) == (
        "live",
        {"stage": "canary", "weight_percent": 25.0, "paused": False},
    )
    assert route["verdict"] == {"verdict": "failing", "reasons": [REASON]}
    assert (route["hour"]["service"]["p95_seconds"], route["hour"]["mirrors"]["parity_percent"]) == (0.0123, 98.0)
    assert route["differences"] == {
        "breaking": 2,
        "critical": 0,
        "warning": 1,
        "note": 0,
        "settled": 0,
        "noise": 4,
        "beyond": 0,
    }
    assert (route["who"], route["why"], route["revision"]) == ("ada", "a quiet hour", 12)


def test_shows_every_route_unless_one_is_named(invoke, catalog, reported):
    assert len(json.loads(invoke("status", "--json").stdout)["routes"]) == 2


@pytest.mark.parametrize(("arguments", "lines"), [((), 2), (("price",), 1), (("--verbose",), 2)])
def test_a_route_that_is_named_is_shown_in_full(invoke, catalog, reported, arguments, lines):
    stdout = invoke("status", *arguments).stdout
    in_full = bool(arguments)
    assert (stdout.count("p95"), stdout.count("by ada ")) == ((1, lines) if in_full else (0, 0))


def test_an_unknown_route_is_wrong_usage(invoke, catalog, reported):
    result = invoke("status", "nothing")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there are catalog, price" in result.stderr


def test_a_pipe_gets_no_colours_and_no_line_breaks(invoke, catalog, reported):
    stdout = invoke("status").stdout
    assert REASON in stdout
    assert "\x1b" not in stdout


def test_without_the_app_shows_what_the_file_says(invoke, catalog, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "gateway.control"]
    assert invoke("status").stdout.splitlines()[:2] == ["catalog: live", "price: legacy"]
    document = json.loads(invoke("status", "price", "--json").stdout)
    [route] = document["routes"]
    assert (document["control"], route["route"], route["declared"]["stage"]) == (False, "price", "legacy")
    assert (document["revision"], route["verdict"], route["hour"]) == (None, None, None)


@pytest.fixture
def twice(monkeypatch):
    """Ctrl+C in the second pause. Gives the pauses."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    return pauses


def test_watch_shows_it_again_and_again(invoke, catalog, reported, twice):
    result = invoke("status", "--watch", "2")
    assert (result.exit_code, result.stdout.count("route    "), twice) == (0, 2, [2, 2])


def test_watch_as_json_is_one_document_a_line(invoke, catalog, reported, twice):
    lines = invoke("status", "price", "--watch", "2", "--json").stdout.splitlines()
    assert [json.loads(line)["routes"][0]["route"] for line in lines] == ["price", "price"]


def test_watch_goes_on_while_the_database_is_away(invoke, catalog, reported, twice, monkeypatch):
    def away(*_: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(reports, "workers", away)
    result = invoke("status", "--watch", "2")
    assert (result.exit_code, result.stdout.count("the database refused (gone)")) == (0, 2)


def test_watch_as_json_says_so_on_a_line(invoke, catalog, reported, twice, monkeypatch):
    monkeypatch.setattr(reports, "workers", mock.Mock(side_effect=OperationalError("gone")))
    lines = invoke("status", "--watch", "2", "--json").stdout.splitlines()
    assert [json.loads(line)["error"]["code"] for line in lines] == ["database", "database"]


# -- who failed, and what nobody was asked --------------------------------------------------------


def test_failures_that_are_not_the_services_are_told_apart():
    lines = drawn(replace(ROUTE, hour=replace(HOUR, middleware=1, shared=1200)))
    assert any("the project's middleware failed once around newer: none of its errors" in line for line in lines)
    assert any("both sides failed 1,200 times" in line for line in lines)


def test_an_open_breaker_is_seen_and_on_which_worker():
    cause = "service 'newer' rests for 5 s after failures (10 of 10 in 60 s)"
    lines = drawn(ROUTE, workers=(replace(WORKER, resting={"newer": cause}),))
    assert f"web1:42: {cause}" in lines


def test_refused_requests_are_added_up():
    workers = (replace(WORKER, refused={"400": 2, "503": 1}), replace(WORKER, id="b", refused={"400": 1000}))
    assert any("400: 1,002, 503: 1" in line for line in drawn(ROUTE, workers=workers))
