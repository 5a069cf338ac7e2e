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
from django.db.models import F, Max, QuerySet

from gateway.config import RouteConfig
from gateway.control.database import alias, until_done
from gateway.control.models import NAME, Change, Revision, RouteState
from gateway.rollout.plan import declared_state
from gateway.rollout.stage import IllegalMove, State, paused, promoted, resumed, rolled_back

__all__ = [
    "Conflict",
    "Moved",
    "Standing",
    "clear",
    "moved",
    "pause",
    "promote",
    "resume",
    "rollback",
    "standing",
    "standings",
    "stands",
]

DONE = {
    "promote": "promoted",
    "rollback": "rolled back",
    "pause": "paused",
    "resume": "resumed",
    "clear": "cleared",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """One change of a route, as the audit log has it."""

    route: str
    verb: str
    before: State
    after: State
    who: str
    why: str
    at: datetime
    revision: int

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        when = f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        return f"{self.who} {DONE[self.verb]} {self.route!r} from {self.before} to {self.after} at {when}{why}"


class Conflict(Exception):
    """Somebody else moved the route first. The message names who, what they did and when; `first` is that change,
    None where the audit log doesn't have it."""

    def __init__(self, route: str, first: Moved | None) -> None:
        said = str(first) if first is not None else f"{route!r} was changed"
        super().__init__(f"{said}. Nothing was done now; look where the route stands, and try again if it still fits")
        self.first = first


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a route stands, since when, and who moved it there and why.

    While that is where the file says, `revision` is 0, and `since` is when it was cleared, None if it never was.
    """

    state: State
    revision: int = 0
    since: datetime | None = None
    who: str = ""
    why: str = ""


def standing(route: RouteConfig) -> Standing:
    """Where `route` stands now; operators hand the revision back as `expected`."""
    return standings([route])[route.name]


def standings(routes: Sequence[RouteConfig]) -> dict[str, Standing]:
    """Where each of `routes` stands now."""
    names = [route.name for route in routes]
    rows = {row.route: row for row in RouteState.objects.using(alias()).filter(route__in=names)}
    cleared = dict(
        _changes()
        .filter(route__in=set(names) - rows.keys(), verb="clear")
        .order_by()
        .values_list("route")
        .annotate(latest=Max("at"))
    )
    return {
        route.name: stands(rows[route.name])
        if route.name in rows
        else Standing(declared_state(route), since=cleared.get(route.name))
        for route in routes
    }


def stands(row: RouteState) -> Standing:
    """What a row says. Raises ValueError when its stage and weight don't go together: moves never write that."""
    return Standing(State(row.stage, row.weight, row.paused), row.revision, row.since, row.who, row.why)


# -- the verbs -----------------------------------------------------------------------------------


def promote(
    route: RouteConfig,
    *,
    who: str,
    why: str = "",
    weight: float | None = None,
    to: str | None = None,
    expected: int | None = None,
) -> Moved:
    """One step up: see `rollout.stage.promoted`.

    `expected` is the revision at which the caller saw the route (0: where the file has it); None is the one that is
    found now. Raises IllegalMove; Conflict when somebody moved the route since; Busy.
    """
    return _move(route, "promote", who, why, partial(promoted, steps=route.steps, weight=weight, to=to), expected)


def rollback(
    route: RouteConfig,
    *,
    who: str,
    why: str = "",
    to: str = "legacy",
    weight: float | None = None,
    force: bool = False,
    expected: int | None = None,
) -> Moved:
    """Down at once: see `rollout.stage.rolled_back`.

    This is for emergencies: without `expected` it never conflicts, but takes the route from wherever others have
    moved it. Raises IllegalMove, Busy, and with `expected` Conflict.
    """
    target = partial(rolled_back, to=to, weight=weight, force=force)
    while True:
        try:
            return _move(route, "rollback", who, why, target, expected)
        except Conflict:
            if expected is not None:
                raise


def pause(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Moved:
    """Hold the automatic ramp. Raises as `promote`."""
    return _move(route, "pause", who, why, paused, expected)


def resume(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Moved:
    """Let the automatic ramp go on. Raises as `promote`."""
    return _move(route, "resume", who, why, resumed, expected)


def clear(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Moved:
    """Back to where the file says. Raises as `promote`; IllegalMove when nothing was changed at run time."""
    return _move(route, "clear", who, why, lambda _: declared_state(route), expected)


# -- compare and set -----------------------------------------------------------------------------


def _move(
    route: RouteConfig, verb: str, who: str, why: str, target: Callable[[State], State], expected: int | None
) -> Moved:
    if not who:
        raise ValueError("who is empty: the audit log needs a name")
    seen = until_done(lambda: standing(route))
    if expected is not None and seen.revision != expected:
        raise Conflict(route.name, _first(route.name, expected))
    if verb == "clear" and not seen.revision:
        raise IllegalMove("nothing was changed at run time: the route stands where the file says")
    move = Moved(route.name, verb, seen.state, target(seen.state), who[:NAME], why, datetime.now(UTC), 0)
    done = until_done(lambda: _write(move, seen))
    if done is not None:
        return done
    first = _first(route.name, seen.revision)
    # A connection that broke while it committed leaves open whether it did. The log knows.
    if first is not None and replace(first, revision=0) == move:
        return first
    raise Conflict(route.name, first)


def _write(move: Moved, seen: Standing) -> Moved | None:
    """`move` with its revision, written; None when the route is no longer as it was `seen`."""
    with transaction.atomic(using=alias()):
        revision = _next_revision()
        if not _set(move, seen, revision):
            transaction.set_rollback(True, using=alias())
            return None
        move = replace(move, revision=revision)
        _log(move)
    return move


def _next_revision() -> int:
    """Count up. That locks the row until the transaction ends, so that moves come one after another; on SQLite it
    takes the lock for writing before anything is read, where waiting for it still works."""
    rows = Revision.objects.using(alias())
    if not rows.filter(pk=Revision.ONLY).update(number=F("number") + 1):
        last = _changes().aggregate(last=Max("revision"))["last"] or 0  # should the row have been lost
        rows.create(pk=Revision.ONLY, number=last + 1)
    return rows.get(pk=Revision.ONLY).number


def _set(move: Moved, seen: Standing, revision: int) -> bool:
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


def _log(move: Moved) -> None:
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
        revision=move.revision,
    )


def _first(route: str, seen: int) -> Moved | None:
    """The first change of a route after it was seen at a revision; after it was last cleared, if that is 0."""
    changes = _changes().filter(route=route).order_by("revision")
    if not seen:
        seen = changes.filter(verb="clear").aggregate(latest=Max("revision"))["latest"] or 0
    row = changes.filter(revision__gt=seen).first()
    return None if row is None else moved(row)


def moved(row: Change) -> Moved:
    """What a row of the audit log says."""
    before = State(row.from_stage, row.from_weight, row.from_paused)
    after = State(row.to_stage, row.to_weight, row.to_paused)
    return Moved(row.route, row.verb, before, after, row.who, row.why, row.at, row.revision)
