"""What the command line and the admin show."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from gateway.control import reports
from gateway.control.models import CounterWindow, MirrorWindow, Worker
from gateway.control.store import write_counts, write_found, write_worker
from gateway.control.timestamps import MomentField
from gateway.control.transitions import pause, rollback
from gateway.mirroring.difference_log import Example, FoundGroup
from gateway.rollout.guard import Verdict
from gateway.rollout.stage import State
from gateway.stats.tally import Mirrored
from tests.control.conftest import make_route, promote, tally

pytestmark = pytest.mark.django_db

CANARY = make_route(stage="canary", weight=10, interval=30.0)


@pytest.fixture
def now():
    return datetime.now(UTC)


COMPARED = Mirrored(60, equal=60)


def seen(now, *, ago=20, requests=60, errors=0, side="service", mirrored=COMPARED):
    start = int(now.timestamp()) - ago
    counted = tally(*[0.01] * requests, errors=errors)
    write_counts("a", {("catalog", side, start): counted}, {("catalog", start): mirrored})


def started(now, seconds):
    at = now - timedelta(seconds=seconds)
    write_worker(Worker(id="a", host="h", pid=1, started=at, seen=now))


def only(route, now):
    return reports.status([route], now)[0]


# -- status --------------------------------------------------------------------------------------


def test_a_route_that_was_never_moved(now):
    status = only(CANARY, now)
    assert (status.declared, status.effective, status.changed) == (State("canary", 10), State("canary", 10), False)
    assert (status.window.service.requests, status.window.service.p95, status.verdict.verdict) == (
        0,
        None,
        Verdict.INCONCLUSIVE,
    )


def test_a_route_that_was_moved_says_by_whom_and_why(now):
    moved = promote(CANARY, who="ana", why="fine")
    status = only(CANARY, now)
    assert (status.effective, status.changed) == (State("canary", 25), True)
    now = status.current_state
    assert (now.who, now.why, now.since, now.revision) == ("ana", "fine", moved.at, 1)


def test_traffic_of_the_window_and_of_the_hour(now):
    started(now, 4000)
    seen(now, ago=1800, requests=100, mirrored=Mirrored())
    seen(now, requests=60, errors=6, mirrored=Mirrored(30, equal=27, different=3, dropped={"lag": 2}))
    status = only(CANARY, now)
    assert (status.window.service.requests, status.hour.service.requests) == (60, 160)
    assert status.window.service.error_rate == pytest.approx(0.1)
    assert status.hour.service.p50 == pytest.approx(0.01, rel=0.2)
    mirrors = status.hour.mirrors
    assert (mirrors.mirrored, mirrors.compared, mirrors.parity, mirrors.dropped) == (30, 30, 90.0, {"lag": 2})


def test_what_happened_before_the_present_step_is_not_judged(now):
    seen(now, errors=60)
    rollback(CANARY, who="ana", to="shadow")
    promote(CANARY, who="ana", to="canary")
    assert only(CANARY, now).verdict.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("route", "errors", "words"),
    [
        (make_route(), 0, "stays until it is moved"),
        (make_route(stage="shadow", interval=30.0), 0, "stays until it is moved"),
        (make_route(stage="live"), 0, "stays until it is moved, or rolled back by the guard"),
        (make_route(stage="live", guard=False), 60, "guard = false, so nothing is judged"),
        (make_route(stage="live"), 60, "is about to be rolled back: error rate 100.0 %"),
        (CANARY, 0, "is about to go to canary at 25 %: healthy after 30 s"),
        (make_route(stage="canary", weight=100, interval=30.0), 0, "is about to go to live: healthy after 30 s"),
        (make_route(stage="canary", weight=10, interval=7200.0), 0, "waits to go to canary at 25 %: healthy for 4000"),
        (make_route(stage="canary", weight=100, interval=7200.0), 0, "waits to go to live: healthy for 4000"),
        (make_route(stage="canary", weight=10), 0, "stays until it is moved, or rolled back by the guard"),
    ],
)
def test_what_happens_next_is_said(now, route, errors, words):
    started(now, 4000)
    seen(now, errors=errors)
    assert words in only(route, now).next


def test_a_ramp_that_a_difference_holds_says_so(now):
    started(now, 4000)
    seen(now)
    write_found([difference("price")], {}, now)
    assert only(CANARY, now).next == "is held: 1 breaking difference is open"


def test_a_ramp_that_compared_too_little_says_so(now):
    started(now, 4000)
    seen(now, mirrored=Mirrored(1, equal=1))
    assert only(CANARY, now).next == "is held: 1 answer of this release compared in the last two hours, 50 are needed"


def test_or_that_nothing_of_it_is_compared(now):
    started(now, 4000)
    seen(now, mirrored=Mirrored())
    said = only(make_route(stage="canary", weight=10, interval=30.0, mirror={"canary": 0}), now).next
    assert said.endswith("50 are needed, and nothing is compared in canary: set `canary` in [routes.mirror]")


def test_a_canary_without_a_ramp_lacks_it_all_the_same(now):
    started(now, 4000)
    seen(now, mirrored=Mirrored())
    status = only(make_route(stage="canary", weight=10), now)
    assert status.next.startswith("stays until it is moved")
    assert status.lacking == "0 answers of this release compared in the last two hours, 50 are needed"


def test_a_paused_route_says_that_it_waits(now):
    pause(CANARY, who="ana")
    assert only(CANARY, now).next.startswith("waits to go to canary at 25 %: paused")


@pytest.mark.parametrize(("stage", "judged"), [("legacy", False), ("shadow", True), ("live", True), ("retired", False)])
def test_a_verdict_is_given_where_a_service_does_something(now, stage, judged):
    assert (only(make_route(stage=stage), now).verdict is not None) == judged


def test_every_route_of_the_file_in_its_order(now):
    routes = [make_route("z"), make_route("a")]
    assert [status.route for status in reports.status(routes, now)] == ["z", "a"]


def test_the_number_of_statements_does_not_grow_with_the_routes(now, django_assert_max_num_queries):
    with django_assert_max_num_queries(11):
        reports.status([make_route(f"route-{number}") for number in range(50)], now)


# -- differences ---------------------------------------------------------------------------------


def difference(key, **more):
    values = {"kind": "type", "pointer": f"/{key}", "severity": "breaking", "summary": key, "count": 10} | more
    return FoundGroup("catalog", "GET /api/products/", key, **values)


@pytest.fixture
def found(now):
    """Of 100 comparisons and 50 controls."""
    write_counts("a", {}, {}, {"catalog": (100, 50)})
    groups = [
        difference("rare"),
        difference("often", count=40, examples=(Example("/api/products/1/", "/often", "1", "2", 0.0),)),
        difference("mild", severity="warning", count=90),
        difference("noisy", count=20, noise=12),
    ]
    write_found(groups, {("catalog", "k"): 3}, now)


def test_what_counts_comes_first_and_noise_last(found):
    assert [report.summary for report in reports.differences(CANARY)] == ["often", "rare", "mild", "noisy"]


def test_a_group_with_all_there_is_to_say(found, now):
    report = reports.differences(CANARY)[0]
    assert (report.count, report.noise, report.severity, report.first_seen) == (40, 0, "breaking", now)
    assert report.examples[0]["target"] == "/api/products/1/"
    assert "40 of 100" in report.verdict.explanation


def test_status_counts_the_groups(found, now):
    assert only(CANARY, now).differences == reports.DifferenceCounts(breaking=2, warning=1, noise=1)


def test_counts_that_are_stored_one_after_the_other_do_not_disturb(now):
    write_found([difference("early", noise=2)], {}, now)
    assert reports.differences(CANARY)[0].verdict.noise is True


def test_accepted_differences_say_how_often_they_occurred(found):
    assert [(one.key, one.count) for one in reports.accepted("catalog")] == [("k", 3)]


# -- changes -------------------------------------------------------------------------------------


def test_changes_newest_first():
    moves = [promote(CANARY, who="ana"), promote(make_route("cart"), who="ben"), pause(CANARY, who="ana")]
    assert reports.changes() == moves[::-1]
    assert reports.changes("catalog", 1) == [moves[2]]


def test_rows_of_routes_that_the_file_no_longer_has():
    promote(make_route("gone"), who="ana")
    promote(CANARY, who="ana")
    assert [(orphan.route, orphan.current_state.state) for orphan in reports.orphans([CANARY])] == [
        ("gone", State("shadow"))
    ]


def test_workers_that_were_seen_lately(now):
    started(now, 100)
    write_worker(Worker(id="b", host="h", pid=2, started=now, seen=now - timedelta(minutes=5)))
    assert [worker.pid for worker in reports.workers(now)] == [1]


# -- the tables ----------------------------------------------------------------------------------


def test_migrations_are_complete():
    call_command("makemigrations", "gateway_control", "--check", "--dry-run", stdout=StringIO())


def migrate_to(name):
    executor = MigrationExecutor(connection)
    return executor.migrate([("gateway_control", name)]).apps


def migrate_to_the_last():
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("gateway_control"))


def test_rows_that_were_written_before_the_counter_windows_were_renamed_are_kept(transactional_db):
    before = migrate_to("0007_what_a_replay_proves")
    try:
        key = {"worker": "w", "route": "items", "start": 10}
        counts = {"requests": 3, "errors": 1, "fallbacks": 0}
        before.get_model("gateway_control", "Slot").objects.create(**key, **counts, side="service")
        counts = dict.fromkeys(["mirrored", "equal", "different", "warned", "controls", "errors"], 2)
        before.get_model("gateway_control", "MirrorSlot").objects.create(**key, **counts)
    finally:
        migrate_to_the_last()
    assert CounterWindow.objects.values_list("route", "requests", "errors").get() == ("items", 3, 1)
    assert MirrorWindow.objects.values_list("route", "mirrored").get() == ("items", 2)


@pytest.mark.parametrize("use_tz", [True, False])
def test_moments_are_the_same_under_every_use_tz(settings, use_tz):
    settings.USE_TZ = use_tz
    at = promote(CANARY, who="ana").at
    assert reports.changes()[0].at == at
    assert at.tzinfo is not None


def test_a_moment_survives_a_fixture():
    field = MomentField()
    at = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)
    assert field.to_python(str(field.get_prep_value(at))) == at
