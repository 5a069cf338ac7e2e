"""The verbs on a route: where they lead is rollout/stage.py's; here is who may, who was first, and what is written."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import OperationalError, connection, transaction

from gateway.control import database
from gateway.control import transitions as moves
from gateway.control.database import DatabaseBusy
from gateway.control.models import Change, Revision, RouteState
from gateway.control.transitions import Conflict, clear, current_state, pause, resume, rollback
from gateway.rollout.stage import IllegalMove, State
from tests.control.conftest import make_route, promote

pytestmark = pytest.mark.django_db

CATALOG = make_route()
CANARY = make_route(stage="canary", weight=10)


@pytest.fixture
def sleepless(monkeypatch):
    """Attempts follow each other at once; returns the pauses there would have been."""
    pauses = []
    monkeypatch.setattr(database.time, "sleep", pauses.append)
    return pauses


def interfere(monkeypatch, move):
    """Let `move` happen between another's look and its write, once."""
    write = moves._write

    def meanwhile(*arguments):
        monkeypatch.setattr(moves, "_write", write)
        move()
        return write(*arguments)

    monkeypatch.setattr(moves, "_write", meanwhile)


# -- where a route stands ------------------------------------------------------------------------


def test_a_route_that_nobody_moved_stands_where_the_file_says():
    assert current_state(CANARY) == moves.CurrentState(State("canary", 10.0))


def test_promote_goes_one_stage_up_and_says_who_and_why():
    moved = promote(CATALOG, who="ana", why="ready")
    found = current_state(CATALOG)
    assert (moved.before, moved.after) == (State("legacy"), State("shadow"))
    assert (found.state, found.who, found.why, found.since) == (State("shadow"), "ana", "ready", moved.at)


def test_promote_takes_a_weight_and_a_stage():
    assert promote(CATALOG, who="ana", weight=7.5, to="canary").after == State("canary", 7.5)


def test_promote_follows_the_steps_of_the_file():
    promote(CATALOG, who="ana", to="canary")
    assert promote(CATALOG, who="ana").after == State("canary", 5.0)


def test_rollback_goes_to_legacy_or_where_it_is_told():
    assert rollback(CANARY, who="ana", to="shadow").after == State("shadow")
    assert rollback(CANARY, who="ana").after == State("legacy")


def test_retired_is_left_by_force_only():
    retired = make_route(stage="retired")
    with pytest.raises(IllegalMove, match="--force"):
        rollback(retired, who="ana")
    assert rollback(retired, who="ana", force=True).after == State("legacy")


def test_an_illegal_move_writes_nothing():
    with pytest.raises(IllegalMove):
        rollback(CATALOG, who="ana")
    assert not Change.objects.exists()
    assert not Revision.objects.exists()


def test_pause_and_resume_keep_stage_weight_and_since():
    since = promote(CANARY, who="ana").at
    paused = pause(CANARY, who="ben")
    assert paused.after == State("canary", 25.0, paused=True)
    assert current_state(CANARY).since == since
    assert resume(CANARY, who="ben").after == State("canary", 25.0)
    assert current_state(CANARY).since == since


def test_clear_returns_to_the_file_and_says_since_when():
    promote(CANARY, who="ana")
    cleared = clear(CANARY, who="ben")
    assert current_state(CANARY) == moves.CurrentState(State("canary", 10.0), since=cleared.at)


def test_there_is_nothing_to_clear_before_anything_was_changed():
    with pytest.raises(IllegalMove, match="stands where the file says"):
        clear(CANARY, who="ana")


def test_every_move_has_the_next_revision():
    revisions = [promote(CATALOG, who="ana").revision, pause(CATALOG, who="ana").revision]
    revisions.append(rollback(CATALOG, who="ana").revision)
    assert revisions == [1, 2, 3]
    assert Revision.objects.get().number == 3


def test_who_must_be_said():
    with pytest.raises(ValueError, match="who is empty"):
        promote(CATALOG, who="")


def test_a_long_name_is_cut():
    promote(CATALOG, who="a" * 300)
    assert current_state(CATALOG).who == "a" * 200


# -- two operators -------------------------------------------------------------------------------


def test_who_has_seen_an_older_state_gets_a_conflict_that_names_the_first():
    seen = current_state(CATALOG).revision
    promote(CATALOG, who="ana", why="ready")
    promote(CATALOG, who="eve")
    with pytest.raises(
        Conflict, match=r"^ana promoted 'catalog' from legacy to shadow at \d{4}-.* UTC: ready\. "
    ) as caught:
        promote(CATALOG, who="ben", expected=seen)
    assert caught.value.first.who == "ana"


def test_of_two_at_the_same_time_the_second_gets_a_conflict(monkeypatch):
    interfere(monkeypatch, lambda: promote(CATALOG, who="ana"))
    with pytest.raises(Conflict, match="ana promoted"):
        promote(CATALOG, who="ben")
    assert [change.who for change in Change.objects.all()] == ["ana"]
    assert Revision.objects.get().number == 1


@pytest.mark.parametrize("verb", [promote, pause, clear])
def test_whoever_saw_a_row_that_has_changed_since_gets_a_conflict(monkeypatch, verb):
    promote(CANARY, who="ana")
    interfere(monkeypatch, lambda: promote(CANARY, who="ana"))
    with pytest.raises(Conflict, match="ana promoted"):
        verb(CANARY, who="ben")


def test_a_clear_is_a_change_too():
    seen = promote(CATALOG, who="ana").revision
    clear(CATALOG, who="eve")
    with pytest.raises(Conflict, match="eve cleared 'catalog' from shadow to legacy"):
        promote(CATALOG, who="ben", expected=seen)


def test_the_first_after_a_clear_is_named_not_the_first_ever():
    promote(CATALOG, who="ana")
    clear(CATALOG, who="ana")
    promote(CATALOG, who="eve")
    with pytest.raises(Conflict, match="eve promoted"):
        promote(CATALOG, who="ben", expected=0)


def test_operators_of_different_routes_do_not_conflict(monkeypatch):
    interfere(monkeypatch, lambda: promote(make_route("cart"), who="ana"))
    assert promote(CATALOG, who="ben", expected=0).revision == 2


def test_rollback_takes_the_route_from_wherever_others_have_moved_it(monkeypatch):
    interfere(monkeypatch, lambda: promote(CANARY, who="ana"))
    moved = rollback(CANARY, who="ben")
    assert (moved.before, moved.after) == (State("canary", 25.0), State("legacy"))


def test_a_rollback_that_expects_a_revision_conflicts_as_the_guard_wants_it():
    promote(CANARY, who="ana")
    with pytest.raises(Conflict):
        rollback(CANARY, who="guard", expected=0)


@pytest.mark.django_db(transaction=True)
def test_of_many_operators_on_threads_of_their_own_one_wins():
    barrier, results = Barrier(6), []

    def operate(name):
        try:
            barrier.wait()
            results.append(promote(CATALOG, who=name, expected=0).who)
        except Conflict as exc:
            results.append(exc.first.who)
        finally:
            connection.close()

    threads = [Thread(target=operate, args=[f"operator {number}"]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert set(results) == {Change.objects.get().who}


# -- the audit log -------------------------------------------------------------------------------


def test_the_audit_log_has_both_states_of_every_change():
    promote(CANARY, who="ana", why="fine so far")
    change = Change.objects.get()
    assert (change.from_stage, change.from_weight, change.to_stage, change.to_weight) == ("canary", 10, "canary", 25)
    assert (change.who, change.verb, change.why, change.revision) == ("ana", "promote", "fine so far", 1)
    assert timedelta() <= datetime.now(UTC) - change.at < timedelta(minutes=1)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda row: row.save(),
        lambda row: row.delete(),
        lambda row: Change.objects.all().delete(),
        lambda row: Change.objects.update(who="nobody"),
    ],
)
def test_the_audit_log_is_only_appended_to(tamper):
    promote(CATALOG, who="ana")
    with pytest.raises(TypeError, match="only appended to"):
        tamper(Change.objects.get())


def test_a_lost_revision_row_does_not_repeat_numbers():
    promote(CATALOG, who="ana")
    Revision.objects.all().delete()
    assert promote(CATALOG, who="ana").revision == 2


# -- when the database has other things to do ----------------------------------------------------


@pytest.mark.parametrize("step", ["next_revision", "_set", "_log"])
def test_what_fails_half_way_has_done_nothing(monkeypatch, step):
    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(moves, step, crash)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        promote(CATALOG, who="ana")
    assert (RouteState.objects.count(), Change.objects.count(), Revision.objects.count()) == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_locked_for_a_while_is_waited_for(monkeypatch, sleepless):
    real, failures = moves.next_revision, [OperationalError("database is locked")] * 3

    def locked():
        if failures:
            raise failures.pop()
        return real()

    monkeypatch.setattr(moves, "next_revision", locked)
    assert promote(CATALOG, who="ana").revision == 1
    assert len(sleepless) == 3


def test_in_a_transaction_of_the_caller_there_is_one_attempt(monkeypatch, sleepless):
    def locked():
        raise OperationalError("database is locked")

    monkeypatch.setattr(moves, "next_revision", locked)
    with pytest.raises(DatabaseBusy, match="after 1 attempt: "):
        promote(CATALOG, who="ana")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_locked_is_an_error_that_says_so(monkeypatch, sleepless):
    def locked():
        raise OperationalError("database is locked")

    monkeypatch.setattr(moves, "next_revision", locked)
    with pytest.raises(DatabaseBusy, match="after 8 attempts: database is locked"):
        rollback(CANARY, who="ana")
    assert 2 < sum(sleepless) < 6


@pytest.mark.django_db(transaction=True)
def test_a_move_whose_commit_was_not_confirmed_is_found_in_the_log(monkeypatch, sleepless):
    write = moves._write

    def unconfirmed(*arguments):
        monkeypatch.setattr(moves, "_write", write)
        write(*arguments)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(moves, "_write", unconfirmed)
    assert promote(CATALOG, who="ana").revision == 1
    assert Change.objects.count() == 1
