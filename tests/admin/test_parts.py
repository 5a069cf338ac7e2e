"""Charts, values side by side, and the history that they are made of."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from gateway.admin.chart import Axes, lines, plain, segments, stacked
from gateway.admin.history_cache import HistoryCache
from gateway.admin.side_by_side import pieces
from gateway.admin.steps import effect
from gateway.control.models import Change, CounterWindow, EndpointDay, Hour
from gateway.control.reports import RouteMetrics, days_of_traffic, hours_of_route, stages_by_day
from gateway.control.reports.metrics import callers_of
from gateway.rollout.stage import State
from gateway.stats.histogram import Histogram

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
DAY = 86400


def axes(*labels: str) -> Axes:
    return Axes("l", labels, lambda value: f"{value:g}", plain)


def test_a_gap_ends_a_line_and_one_value_alone_is_a_dot():
    chart = lines("c", "t", axes("a", "b", "c", "d"), [("s", "css", [1.0, 2.0, None, 3.0])])
    (line,) = chart.series
    assert (len(line.paths), len(line.dots)) == (1, 1)
    assert chart.rows == (("a", "", ("1",)), ("b", "", ("2",)), ("c", "", ("–",)), ("d", "", ("3",)))


def test_bars_stand_on_each_other():
    chart = stacked("c", "t", axes("a"), [("s", "one", [60.0]), ("s", "two", [40.0])])
    lower, upper = chart.bars
    assert float(upper.y) + float(upper.height) == pytest.approx(float(lower.y))


@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_to_draw_is_an_empty_chart(values):
    assert lines("c", "t", axes(*[""] * len(values)), [("s", "css", values)]).empty


def test_no_errors_are_a_line_and_no_requests_are_no_bars():
    nothing = [("s", "css", [0.0, 0.0])]
    assert not lines("c", "t", axes("a", "b"), nothing).empty
    assert stacked("c", "t", axes("a", "b"), nothing).empty


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0.0, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (1.3, ["0", "0.5", "1", "1.5", "2"]),
        (2.1, ["0", "0.5", "1", "1.5", "2", "2.5"]),
        (51.0, ["0", "20", "40", "60"]),
        (61.9, ["0", "20", "40", "60", "80"]),
        (14_500.0, ["0", "5,000", "10,000", "15,000", "20,000"]),
    ],
)
def test_an_axis_has_round_numbers(highest, ticks):
    with translation.override("en"):
        chart = lines("c", "t", axes("a", "b"), [("s", "css", [highest, highest])])
    assert [words for _, words in chart.y_ticks] == ticks


def test_a_line_is_divided_as_its_parts_and_empty_ones_are_left_out():
    found = segments([("one", 30), ("none", 0), ("two", 10)])
    assert [(bar.css, bar.x, bar.width) for bar in found] == [("one", "0.0", "750.0"), ("two", "750.0", "250.0")]
    assert segments([("one", 0)]) == ()


def test_hours_have_their_time_for_the_browser_which_knows_the_users_zone():
    chart = lines("c", "t", Axes("l", ["Wed 12:30"], str, plain, [NOW]), [("s", "css", [1.0])])
    assert [(name, at) for name, at, _ in chart.rows] == [("Wed 12:30", "2026-11-25T12:30:00+00:00")]
    assert chart.x_ticks[0][1:] == ("Wed 12:30", "2026-11-25T12:30:00+00:00")


@pytest.mark.parametrize(
    ("requests", "callers", "words"),
    [
        (3400, 1200, "the service answers about 300 of 1,200 callers an hour"),
        (3400, None, "the service answers about 850 of 3,400 requests an hour"),
        (0, None, "the service answers 25 % of the callers"),
    ],
)
def test_a_weight_is_said_in_callers_or_else_in_requests(requests, callers, words):
    metrics = RouteMetrics((), False, None, requests, callers, ())
    with translation.override("en"):
        assert effect(State("canary", 25.0), metrics) == words


@pytest.mark.parametrize(
    ("one", "other", "left", "right"),
    [
        ("10.00", "10.0", ["10.0", "(0)"], ["10.0"]),
        ("same", "same", ["same"], ["same"]),
        ("", "new", [], ["(new)"]),
        ("x" * 2000, "y", ["(" + "x" * 2000 + ")"], ["(y)"]),
    ],
)
def test_only_what_differs_is_marked(one, other, left, right):
    def shown(found):
        return [f"({piece.text})" if piece.differs else piece.text for piece in found]

    found = pieces(one, other)
    assert (shown(found[0]), shown(found[1])) == (left, right)


@pytest.mark.parametrize(("callers", "about"), [(1, 4), (250, 1054), (1250, 6931)])
def test_callers_are_estimated_from_the_buckets_that_were_seen(callers, about):
    assert callers_of(set(range(0, 4 * callers, 4))) == about


@pytest.mark.parametrize("buckets", [set(), set(range(0, 10_000, 4))])
def test_too_few_or_too_many_buckets_tell_nothing(buckets):
    assert callers_of(buckets) is None


@pytest.mark.django_db
def test_days_of_traffic_say_who_answered():
    today = int(NOW.timestamp()) // DAY * DAY
    for key, day, upstream, requests in ((1, today, "legacy", 5), (2, today, "items", 3), (3, today - DAY, "items", 7)):
        row = {"worker": "", "day": day, "key": str(key), "upstream": upstream, "method": "GET", "label": "/"}
        EndpointDay.objects.create(**row, requests=requests, seen=NOW)
    Hour.objects.create(route="r", side="service", start=today, requests=3, fallbacks=1)
    found = days_of_traffic(NOW, 3)
    assert [(day.legacy, day.service, day.fallback) for day in found] == [(0, 0, 0), (0, 7, 0), (5, 2, 1)]
    assert found[-1].service_percent == pytest.approx(25)


@pytest.mark.django_db
def test_stages_of_days_that_are_over_are_those_of_the_audit_log():
    """Also where the file has another stage since: then the log says what was before its changes, and the file now."""
    for days, route, verb, before, after in (
        (40, "a", "promote", "legacy", "shadow"),
        (3, "a", "promote", "shadow", "canary"),
        (1, "a", "record", "legacy", "legacy"),
        (1, "a", "rollback", "canary", "legacy"),
        (1, "a", "promote", "legacy", "live"),
        (2, "b", "promote", "legacy", "shadow"),
        (1, "b", "clear", "shadow", "legacy"),
        (1, "gone", "promote", "legacy", "live"),
    ):
        states = {"from_stage": before, "from_weight": 0, "from_paused": False}
        states |= {"to_stage": after, "to_weight": 0, "to_paused": False}
        revision = Change.objects.count() + 1
        at = NOW - timedelta(days=days)
        Change.objects.create(at=at, who="ana", verb=verb, route=route, revision=revision, **states)
    found = stages_by_day({"a": "live", "b": "canary", "c": "live"}, NOW, 5)
    assert [day.day.day for day in found] == [21, 22, 23, 24, 25]
    assert [day.stages["a"] for day in found] == ["shadow", "canary", "canary", "live", "live"]
    assert [day.stages["b"] for day in found] == ["legacy", "legacy", "shadow", "canary", "canary"]
    assert {day.stages["c"] for day in found} == {"live"}
    assert "gone" not in found[0].stages


@pytest.mark.django_db
def test_hours_of_a_route_join_what_was_folded_and_what_was_not():
    present = int(NOW.timestamp()) // 3600 * 3600
    histogram = Histogram()
    histogram.add(0.01)
    stored = {"route": "r", "requests": 1, "errors": 1, "histogram": histogram.to_json()}
    Hour.objects.create(**stored, side="service", start=present)
    CounterWindow.objects.create(**stored, worker="a", side="service", start=present + 60, fallbacks=0)
    Hour.objects.create(**stored, side="legacy mirrored", start=present - 3600)
    before, now = hours_of_route("r", NOW, 2)
    assert (before.legacy.requests, before.service.p95) == (1, None)
    assert (now.service.requests, now.service.error_percent) == (2, 100)


@pytest.mark.django_db
def test_what_charts_are_made_of_is_read_once_a_minute(django_assert_num_queries):
    history = HistoryCache()
    for seconds, days, hours in (
        (0, 2, 2),
        (30, 0, 0),
        (59, 0, 0),
        (61, 2, 2),
        (30, 2, 2),
    ):  # a clock that was put back
        with django_assert_num_queries(days):
            history.days(NOW + timedelta(seconds=seconds))
        with django_assert_num_queries(hours):
            history.hours("r", NOW + timedelta(seconds=seconds))


@pytest.mark.django_db
def test_the_last_hours_of_a_hundred_routes_are_kept():
    history = HistoryCache()
    for number in range(250):
        history.hours(f"r{number}", NOW)
    assert len(history) <= 101
