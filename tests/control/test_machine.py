"""Whatever operators, the guard, crashes and outages do in whatever order: no illegal transition, no lost audit row.

Each operator moves routes by what he saw last, which may be long ago. A model in memory says what must come of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from gateway.control import database
from gateway.control import transitions as moves
from gateway.control.current_state import state_of_row
from gateway.control.database import DatabaseBusy
from gateway.control.models import Change, Revision, RouteState
from gateway.control.transitions import Conflict, CurrentState, Transition
from gateway.rollout.policy import declared_state
from gateway.rollout.stage import IllegalMove, State, paused, promoted, resumed, rolled_back
from tests.control.conftest import make_route

ROUTES = {
    "catalog": make_route("catalog"),
    "cart": make_route("cart", stage="canary", weight=10),
    "orders": make_route("orders", stage="live"),
}
OPERATORS = ("ana", "ben", "guard")

names = st.sampled_from(sorted(ROUTES))
operators = st.sampled_from(OPERATORS)
weights = st.sampled_from([None, 0.01, 5.0, 10.0, 33.0, 100.0])
stages = st.sampled_from([None, "legacy", "shadow", "canary", "live", "retired"])


class Crash(BaseException):
    """The process ends here."""


@st.composite
def verbs(draw: Any) -> tuple[str, dict[str, Any]]:
    """A verb, and what it is given."""
    verb = draw(st.sampled_from(["promote", "promote", "rollback", "pause", "resume", "clear"]))
    given: dict[str, Any] = {}
    if verb == "promote":
        given = {"weight": draw(weights), "to": draw(stages)}
    elif verb == "rollback":
        given = {"weight": draw(weights), "to": draw(stages) or "legacy", "force": draw(st.booleans())}
    return verb, given


def target(verb: str, route: Any, state: State, given: dict[str, Any]) -> State:
    """Where the pure functions say that this leads. Raises IllegalMove."""
    if verb == "promote":
        return promoted(state, route.steps, **given)
    if verb == "rollback":
        return rolled_back(state, **given)
    return {"pause": paused, "resume": resumed, "clear": lambda _: declared_state(route)}[verb](state)


class Rollout(RuleBasedStateMachine):
    """The tables, and beside them what they should say."""

    @initialize()
    def begin(self) -> None:
        for model in (RouteState, Change, Revision):
            model._base_manager.all().delete()
        self.log: list[Transition] = []
        self.current_state = {name: CurrentState(declared_state(route)) for name, route in ROUTES.items()}
        self.seen = {operator: dict.fromkeys(ROUTES, 0) for operator in OPERATORS}

    # -- what can happen --------------------------------------------------------------------

    @rule(operator=operators, name=names)
    def look(self, operator: str, name: str) -> None:
        self.seen[operator][name] = moves.current_state(ROUTES[name]).revision

    @rule(operator=operators, name=names, move=verbs(), blind=st.booleans())
    def move(self, operator: str, name: str, move: tuple[str, dict[str, Any]], blind: bool) -> None:
        """By what the operator saw, or `blind`: by whatever is there now."""
        before = self.current_state[name]
        expected = None if blind else self.seen[operator][name]
        if expected is not None and expected != before.revision:
            with pytest.raises(Conflict) as caught:
                self._do(operator, name, move, expected)
            self._names_the_first(caught.value, name, expected)
        elif (after := self._legal(name, move)) is None:
            with pytest.raises(IllegalMove):
                self._do(operator, name, move, expected)
        else:
            self._note(self._do(operator, name, move, expected), after)

    @rule(first=operators, second=operators, name=names, other=names, moving=verbs(), move=verbs())
    def two_at_once(self, first: str, second: str, name: str, other: str, moving: Any, move: Any) -> None:
        """`first` writes between the look and the write of `second`, maybe to another route."""
        seen = self.current_state[name]
        if self._legal(other, moving) is None or self._legal(name, move) is None:
            return
        after, write = self._legal(name, move), moves._write

        def meanwhile(*arguments: Any) -> Any:
            with mock.patch.object(moves, "_write", write):
                self._note(self._do(first, other, moving, None), self._legal(other, moving))
            patched.stop()
            return write(*arguments)

        patched = mock.patch.object(moves, "_write", meanwhile)
        patched.start()
        if name != other:
            self._note(self._do(second, name, move, None), after)
        elif move[0] != "rollback":
            with pytest.raises(Conflict) as caught:
                self._do(second, name, move, None)
            self._names_the_first(caught.value, name, seen.revision)
        else:  # looks again; it may find the route as low as it wanted to take it
            with contextlib.suppress(IllegalMove):
                moved = self._do(second, name, move, None)
                self._note(moved, target("rollback", ROUTES[name], moved.before, move[1]))

    @rule(operator=operators, name=names, move=verbs(), step=st.sampled_from(["next_revision", "_set", "_log"]))
    def crash(self, operator: str, name: str, move: Any, step: str) -> None:
        """The process ends before one of the steps of the transaction, or after the last one, before its commit."""
        if self._legal(name, move) is None:
            return
        with mock.patch.object(moves, step, side_effect=Crash), pytest.raises(Crash):
            self._do(operator, name, move, None)

    @rule(operator=operators, name=names, move=verbs())
    def crash_before_commit(self, operator: str, name: str, move: Any) -> None:
        if self._legal(name, move) is None:
            return
        with pytest.raises(Crash):
            self._do_and_crash(operator, name, move)

    @rule(operator=operators, name=names, move=verbs(), failures=st.integers(1, database.ATTEMPTS - 1))
    def short_outage(self, operator: str, name: str, move: Any, failures: int) -> None:
        if (after := self._legal(name, move)) is not None:
            with self._away(failures):
                self._note(self._do(operator, name, move, None), after)

    @rule(operator=operators, name=names, move=verbs())
    def long_outage(self, operator: str, name: str, move: Any) -> None:
        if self._legal(name, move) is not None:
            with self._away(database.ATTEMPTS), pytest.raises(DatabaseBusy):
                self._do(operator, name, move, None)

    @rule(operator=operators, name=names, move=verbs())
    def commit_without_an_answer(self, operator: str, name: str, move: Any) -> None:
        """The connection breaks after the database has committed, before it could say so."""
        if (after := self._legal(name, move)) is None:
            return
        write = moves._write

        def unanswered(*arguments: Any) -> Any:
            patched.stop()
            write(*arguments)
            raise OperationalError("server closed the connection unexpectedly")

        patched = mock.patch.object(moves, "_write", unanswered)
        patched.start()
        self._note(self._do(operator, name, move, None), after)

    # -- what always holds ------------------------------------------------------------------

    @invariant()
    def the_tables_say_what_happened(self) -> None:
        rows = {row.route: state_of_row(row) for row in RouteState.objects.all()}
        changed = {name: current_state for name, current_state in self.current_state.items() if current_state.revision}
        assert rows == changed
        assert [moves.moved(row) for row in Change.objects.order_by("revision")] == self.log
        assert [move.revision for move in self.log] == list(range(1, len(self.log) + 1))

    @invariant()
    def the_audit_log_replayed_gives_the_rows(self) -> None:
        states = {name: declared_state(route) for name, route in ROUTES.items()}
        for row in Change.objects.order_by("revision"):
            move = moves.moved(row)
            assert move.before == states[move.route]  # so no move is missing in between
            states[move.route] = move.after
        assert states == {name: moves.current_state(route).state for name, route in ROUTES.items()}

    # -- helpers ----------------------------------------------------------------------------

    def _legal(self, name: str, move: tuple[str, dict[str, Any]]) -> State | None:
        """Where the move leads from where the route stands; None when it is illegal."""
        current_state = self.current_state[name]
        if move[0] == "clear" and not current_state.revision:
            return None
        try:
            return target(move[0], ROUTES[name], current_state.state, move[1])
        except IllegalMove:
            return None

    def _do(self, operator: str, name: str, move: tuple[str, dict[str, Any]], expected: int | None) -> Transition:
        verb: Callable[..., Transition] = getattr(moves, move[0])
        unproved = {"anyway": True} if move[0] in ("promote", "clear") else {}  # nothing is ever compared here
        with mock.patch.object(database.time, "sleep"):
            return verb(ROUTES[name], who=operator, why="because", expected=expected, **unproved, **move[1])

    def _do_and_crash(self, operator: str, name: str, move: tuple[str, dict[str, Any]]) -> None:
        with transaction.atomic():
            self._do(operator, name, move, None)
            raise Crash

    def _away(self, failures: int) -> Any:
        real, left = moves.next_revision, [OperationalError("the database is away")] * failures

        def away() -> int:
            if left:
                raise left.pop()
            return real()

        return mock.patch.object(moves, "next_revision", away)

    def _note(self, moved: Transition, after: State | None) -> None:
        assert moved.after == after
        self.log.append(moved)
        before = self.current_state[moved.route]
        began = (moved.after.stage, moved.after.weight) != (moved.before.stage, moved.before.weight)
        since = moved.at if began or before.since is None else before.since
        now = CurrentState(moved.after, moved.revision, since, moved.who, moved.why)
        self.current_state[moved.route] = now if moved.verb != "clear" else CurrentState(moved.after, since=moved.at)

    def _names_the_first(self, conflict: Conflict, name: str, seen: int) -> None:
        """The first change after the route was seen at that revision; where it was seen as the file has it, the first
        after it was last cleared."""
        mine = [move for move in self.log if move.route == name]
        if not seen:
            seen = max((move.revision for move in mine if move.verb == "clear"), default=0)
        later = [move for move in mine if move.revision > seen]
        assert conflict.first == (later[0] if later else None)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_illegal_transition_and_no_lost_audit_row() -> None:
    run_state_machine_as_test(
        Rollout,
        settings=settings(max_examples=40, stateful_step_count=40, suppress_health_check=list(HealthCheck)),
    )
