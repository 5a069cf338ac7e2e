"""Recordings in the database: asked for, noticed, stored within their bounds, fetched and forgotten."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError

from gateway.control import recordings, reports
from gateway.control.models import Change, Recording, RecordingTally, RouteState, Sample, Worker
from gateway.control.poller import Poller
from gateway.control.retention import retain
from gateway.control.transitions import Conflict, pause, rollback
from gateway.recording.plan import Plan, RecordingLimits, Selection, Target
from gateway.recording.session import Batch, Found
from gateway.rollout.stage import State
from gateway.routing.template import TemplateError
from tests.control.conftest import make_route, promote
from tests.control.test_threads import FakeGateway

pytestmark = pytest.mark.django_db
CATALOG = Target(route="catalog")
CATEGORY = Target(method="GET", template="/api/categories/{pk}/")
SELECTION = Selection((CATALOG, CATEGORY), RecordingLimits(cases=2), fields=("kind",), names=("nick",), lines=True)
NOW = datetime.now(UTC)


def start(selection: Selection = SELECTION, **more: Any) -> str:
    return recordings.start(selection, **{"who": "ada", "seconds": 60.0, "why": "for the tests"} | more)


def found(*paths: str, endpoint: str = "GET /x/", count: int = 1) -> dict[str, Found]:
    return {path: Found(endpoint, count, json.dumps({"path": path}), NOW.timestamp()) for path in paths}


def batch(recording: str, cases: dict[str, Found], *, seen: int = 5, done: bool = False) -> Batch:
    return Batch(recording, cases, seen, {"busy": 1}, done)


def write(*batches: Batch, worker: str = "a", now: datetime | None = None) -> None:
    recordings.write_batches(worker, batches, now or datetime.now(UTC))


# -- asking for one ---------------------------------------------------------------------------------


def test_each_route_and_endpoint_of_it_is_in_the_audit_log() -> None:
    start(stages={"catalog": State("shadow")})
    changes = [(one.verb, one.route, one.who, one.why, one.before.stage, one.after.stage) for one in reports.changes()]
    assert changes == [
        ("record", "GET /api/categories/{pk}/", "ada", "for the tests", "legacy", "legacy"),
        ("record", "catalog", "ada", "for the tests", "shadow", "shadow"),
    ]
    assert str(reports.changes()[1]).startswith("ada recorded 'catalog' at ")


def test_a_route_that_was_moved_stays_where_it_is() -> None:
    route = make_route()
    promote(route, who="ana")
    start()
    assert RouteState.objects.get().stage == "shadow"
    assert Change.objects.filter(verb="record", route="catalog").get().to_stage == "shadow"


def test_whoever_moves_a_route_is_told_of_moves_and_not_of_recordings() -> None:
    route = make_route()
    first = promote(route, who="ana")
    start()
    rollback(route, who="bob")
    with pytest.raises(Conflict, match="bob rolled back"):
        pause(route, who="eve", expected=first.revision)


@pytest.mark.parametrize("wrong", [{"who": ""}, {"selection": Selection(())}])
def test_who_and_what_have_to_be_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is part of the audit log"):
        start(**wrong)
    assert not Recording.objects.exists()


def test_a_template_that_cant_be_read_is_refused() -> None:
    with pytest.raises(TemplateError):
        start(Selection((Target(template="nonsense"),)))
    assert not Change.objects.exists()


# -- processes that serve ---------------------------------------------------------------------------


class Following:
    """What a process is told to record."""

    def __init__(self) -> None:
        self.plans: list[list[Plan]] = []
        gateway: Any = FakeGateway()
        self.poller = Poller(gateway, lambda plans: self.plans.append([*plans]))


def test_processes_notice_it_with_their_next_look(django_assert_num_queries: Any) -> None:
    following = Following()
    following.poller.look()
    with django_assert_num_queries(1):
        following.poller.look()  # nothing has changed: nothing more is asked
    recording = start()
    following.poller.look()
    ((), (plan,)) = following.plans
    assert (plan.id, plan.selection, len(plan.secret)) == (recording, SELECTION, 32)
    recordings.end(recording)
    following.poller.look()
    assert following.plans[2] == []


def test_one_that_makes_no_sense_keeps_no_other_from_being_recorded(caplog: Any) -> None:
    start()
    Recording.objects.update(plan={"targets": 5})
    good = start()
    following = Following()
    following.poller.look()
    assert [plan.id for plan in following.plans[0]] == [good]
    assert "makes no sense to this process" in caplog.text


def test_before_the_migrations_of_an_upgrade_routes_are_moved_all_the_same(monkeypatch: Any, caplog: Any) -> None:
    def fails(_: datetime) -> None:
        raise ProgrammingError("no such table")

    monkeypatch.setattr("gateway.control.poller.active", fails)
    promote(make_route(), who="ana")
    following = Following()
    following.poller.look()
    assert following.poller.revision == 1
    assert "nothing is recorded, or accepted, before `manage.py migrate` has run" in caplog.text


def test_what_is_alike_in_two_processes_is_one_case() -> None:
    recording = start()
    write(batch(recording, found("/1/", count=3)))
    write(batch(recording, found("/1/", "/2/", count=4)), worker="b")
    _, cases = recordings.collected(recording)
    assert [(json.loads(case)["path"], count) for case, count in cases] == [("/1/", 7), ("/2/", 4)]
    assert recordings.progress(recording).requests == 10


def test_storing_again_changes_no_tally() -> None:
    recording = start()
    for _ in range(2):
        write(batch(recording, {}))
    assert recordings.progress(recording).skipped == {"busy": 1}


def test_the_bound_on_cases_holds_for_all_processes_together() -> None:
    recording = start()
    write(batch(recording, found("/1/", "/2/")))
    write(batch(recording, found("/3/")), worker="b")
    write(batch(recording, found("/4/", endpoint="GET /y/")), worker="b")
    assert [sample.fingerprint for sample in Sample.objects.order_by("pk")] == ["/1/", "/2/", "/4/"]


def test_what_is_counted_of_a_case_that_there_was_no_room_for_is_nothing() -> None:
    recording = start()
    write(batch(recording, {"/1/": Found("GET /x/", 5, None, 0.0)}))
    assert recordings.collected(recording)[1] == []


def test_what_comes_after_it_was_fetched_is_dropped() -> None:
    recording = start()
    recordings.forget(recording)
    write(batch(recording, found("/1/")))
    assert not Sample.objects.exists()


# -- its end ----------------------------------------------------------------------------------------


def test_its_secret_is_gone_when_it_ends() -> None:
    recording = start()
    assert Recording.objects.get().secret
    recordings.end(recording)
    assert Recording.objects.get().secret == ""
    assert recordings.active(NOW) == []


def test_so_it_is_where_nobody_waits_for_it() -> None:
    recording = start(seconds=1)
    later = datetime.now(UTC) + timedelta(minutes=1)
    write(batch(recording, {}, done=True), now=later)
    row = Recording.objects.get()
    assert (row.secret, row.ended) == ("", later)


def test_it_is_finished_once_every_process_that_lives_has_said_all_of_it() -> None:
    recording = start()
    now = datetime.now(UTC)
    for name, seen in (("a", now), ("b", now), ("dead", now - timedelta(hours=1))):
        Worker.objects.create(id=name, host="h", pid=1, started=NOW, seen=seen)
        write(batch(recording, {}), worker=name)
    assert not recordings.progress(recording).finished
    recordings.end(recording)
    write(batch(recording, {}, done=True), worker="a")
    assert not recordings.progress(recording).finished
    write(batch(recording, {}, done=True), worker="b")
    assert recordings.progress(recording).finished


def test_what_nobody_fetches_is_kept_for_a_day() -> None:
    recording = start()
    write(batch(recording, found("/1/")))
    retain(NOW + timedelta(hours=23))
    assert Sample.objects.count() == 1
    retain(NOW + timedelta(hours=25))
    assert [model.objects.count() for model in (Recording, RecordingTally, Sample)] == [0, 0, 0]
    with pytest.raises(recordings.NoSuchRecording, match="is kept for a day"):
        recordings.progress(recording)
    with pytest.raises(recordings.NoSuchRecording):
        recordings.collected(recording)
    assert Change.objects.filter(verb="record").count() == 2  # nothing is ever removed from the history
