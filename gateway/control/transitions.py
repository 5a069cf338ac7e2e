"""The verbs on a route's rollout: what the command line, the admin and the guard call.

A move reads where the route stands, asks `rollout.stage` where it would stand then, and writes that only if nobody
moved the route in between: compare and set, in one transaction with the new revision and the audit row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from django.db import transaction
from django.db.models import Max, QuerySet

from gateway.clock import utc_now
from gateway.config.routes import RouteConfig
from gateway.control.current_state import CurrentState, current_state
from gateway.control.database import alias, until_done
from gateway.control.evidence_queries import collect_evidence
from gateway.control.models import NAME, Change, RouteState
from gateway.control.revisions import next_revision
from gateway.rollout.evidence import missing
from gateway.rollout.policy import declared_state
from gateway.rollout.stage import IllegalMove, State, paused, promoted, resumed, rolled_back

__all__ = [
    "Conflict",
    "CurrentState",
    "Transition",
    "Unproved",
    "clear",
    "current_state",
    "moved",
    "pause",
    "promote",
    "resume",
    "rollback",
]

CLIMBING = ("promote", "clear")  # what may take a route up, and then needs evidence
DONE = {
    "promote": "promoted",
    "rollback": "rolled back",
    "pause": "paused",
    "resume": "resumed",
    "clear": "cleared",
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a route, as the audit log has it. `anyway`: it was promoted though evidence was missing."""

    route: str
    verb: str
    before: State
    after: State
    who: str
    why: str
    at: datetime
    revision: int
    anyway: bool = False

    def __str__(self) -> str:
        why = f"{', without the evidence for it' if self.anyway else ''}{f': {self.why}' if self.why else ''}"
        when = f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        if self.verb == "record":
            return f"{self.who} recorded {self.route!r} at {when}{why}"
        return f"{self.who} {DONE[self.verb]} {self.route!r} from {self.before} to {self.after} at {when}{why}"


class Conflict(Exception):
    """Somebody else moved the route first. The message names who, what they did and when; `first` is that change,
    None where the audit log doesn't have it."""

    def __init__(self, route: str, first: Transition | None) -> None:
        said = str(first) if first is not None else f"{route!r} was changed"
        super().__init__(f"{said}. Nothing was done now; look where the route stands, and try again if it still fits")
        self.first = first


class Unproved(Exception):
    """A promotion whose evidence is missing. `missing` says in words what is, and how to get it."""

    def __init__(self, route: str, to: State, missing: Sequence[str]) -> None:
        super().__init__(f"{route!r} can't go to {to} yet: {'; '.join(missing)}")
        self.to = to
        self.missing = tuple(missing)


# -- the verbs -----------------------------------------------------------------------------------


def promote(
    route: RouteConfig,
    *,
    who: str,
    why: str = "",
    weight: float | None = None,
    to: str | None = None,
    anyway: bool = False,
    expected: int | None = None,
) -> Transition:
    """One step up: see `rollout.stage.promoted`.

    It needs evidence (`rollout.evidence`). `anyway` goes on without, needs a `why`, and is in the audit log. `expected`
    is the revision at which the caller saw the route (0: where the file has it); None is the one that is found now.
    Raises IllegalMove; Unproved; Conflict when somebody moved the route since; DatabaseBusy; ValueError for `anyway`
    without `why`.
    """
    _reasoned(anyway, why)

    def target(state: State) -> State:
        return promoted(state, route.steps, weight=weight, to=to)

    return _move(route, "promote", who, why, target, expected, anyway=anyway)


def rollback(
    route: RouteConfig,
    *,
    who: str,
    why: str = "",
    to: str = "legacy",
    weight: float | None = None,
    force: bool = False,
    expected: int | None = None,
) -> Transition:
    """Down at once: see `rollout.stage.rolled_back`.

    This is for emergencies: without `expected` it never conflicts, but takes the route from wherever others have
    moved it. Raises IllegalMove, DatabaseBusy, and with `expected` Conflict.
    """
    target = partial(rolled_back, to=to, weight=weight, force=force)
    while True:
        try:
            return _move(route, "rollback", who, why, target, expected)
        except Conflict:
            if expected is not None:
                raise


def pause(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Transition:
    """Hold the automatic ramp. Raises as `promote`."""
    return _move(route, "pause", who, why, paused, expected)


def resume(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Transition:
    """Let the automatic ramp go on. Raises as `promote`."""
    return _move(route, "resume", who, why, resumed, expected)


def clear(
    route: RouteConfig, *, who: str, why: str = "", anyway: bool = False, expected: int | None = None
) -> Transition:
    """To where the file says. Where that is further up, as after a rollback, it needs evidence as `promote` does.

    Raises as `promote`; IllegalMove when nothing was changed at run time.
    """
    _reasoned(anyway, why)
    return _move(route, "clear", who, why, lambda _: declared_state(route), expected, anyway=anyway)


def _reasoned(anyway: bool, why: str) -> None:
    if anyway and not why.strip():
        raise ValueError("anyway needs a why: the audit log is to say what the promotion rests on")


# -- compare and set -----------------------------------------------------------------------------


def _move(
    route: RouteConfig,
    verb: str,
    who: str,
    why: str,
    target: Callable[[State], State],
    expected: int | None,
    *,
    anyway: bool = False,
) -> Transition:
    if not who:
        raise ValueError("who is empty: the audit log needs a name")
    seen = until_done(lambda: current_state(route))
    if expected is not None and seen.revision != expected:
        raise Conflict(route.name, _first(route.name, expected))
    if verb == "clear" and not seen.revision:
        raise IllegalMove("nothing was changed at run time: the route stands where the file says")
    move = Transition(route.name, verb, seen.state, target(seen.state), who[:NAME], why, utc_now(), 0)
    if verb in CLIMBING and (lacking := until_done(lambda: _lacking(route, seen, move))):
        if not anyway:
            raise Unproved(route.name, move.after, lacking)
        move = replace(move, anyway=True)
    done = until_done(lambda: _write(move, seen))
    if done is not None:
        return done
    first = _first(route.name, seen.revision)
    # A connection that broke while it committed leaves open whether it did. The log knows.
    if first is not None and replace(first, revision=0) == move:
        return first
    raise Conflict(route.name, first)


def _lacking(route: RouteConfig, seen: CurrentState, move: Transition) -> tuple[str, ...]:
    """The evidence that is missing for a promotion."""
    return missing(collect_evidence(route, seen, move.at), move.before, move.after, route.name)


def _write(move: Transition, seen: CurrentState) -> Transition | None:
    """`move` with its revision, written; None when the route is no longer as it was `seen`."""
    with transaction.atomic(using=alias()):
        revision = next_revision()
        if not _set(move, seen, revision):
            transaction.set_rollback(True, using=alias())
            return None
        move = replace(move, revision=revision)
        _log(move)
    return move


def _set(move: Transition, seen: CurrentState, revision: int) -> bool:
    """Whether the route was still as `seen`, and is now as the move has it."""
    rows = RouteState.objects.using(alias()).filter(route=move.route)
    mine = rows.filter(revision=seen.revision)
    if move.verb == "clear":
        return mine.delete()[0] == 1
    began = (move.after.stage, move.after.weight) != (move.before.stage, move.before.weight)
    after = move.after
    values = {
        "stage": after.stage,
        "weight": after.weight,
        "paused": after.paused,
        "since": move.at if began or seen.since is None else seen.since,
        "revision": revision,
        "who": move.who,
        "why": move.why,
    }
    if seen.revision:
        return mine.update(**values) == 1
    if rows.exists():
        return False
    RouteState.objects.using(alias()).create(route=move.route, **values)
    return True


# -- the audit log -------------------------------------------------------------------------------


def _changes() -> QuerySet[Change]:
    return Change.objects.using(alias())


def _log(move: Transition) -> None:
    _changes().create(
        at=move.at,
        who=move.who,
        verb=move.verb,
        route=move.route,
        from_stage=move.before.stage,
        from_weight=move.before.weight,
        from_paused=move.before.paused,
        to_stage=move.after.stage,
        to_weight=move.after.weight,
        to_paused=move.after.paused,
        why=move.why,
        anyway=move.anyway,
        revision=move.revision,
    )


def _first(route: str, seen: int) -> Transition | None:
    """The first change of a route after it was seen at a revision; after it was last cleared, if that is 0."""
    changes = _changes().filter(route=route).exclude(verb="record").order_by("revision")
    if not seen:
        seen = changes.filter(verb="clear").aggregate(latest=Max("revision"))["latest"] or 0
    row = changes.filter(revision__gt=seen).first()
    return None if row is None else moved(row)


def moved(row: Change) -> Transition:
    """What a row of the audit log says."""
    before = State(row.from_stage, row.from_weight, row.from_paused)
    after = State(row.to_stage, row.to_weight, row.to_paused)
    return Transition(row.route, row.verb, before, after, row.who, row.why, row.at, row.revision, row.anyway)
