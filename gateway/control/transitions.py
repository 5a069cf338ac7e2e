"""The transitions of a route's rollout, as used by the command line, the admin and the guard.

A transition reads the route's state, computes the next state with `rollout.stage`, and writes it only if nobody changed
the route in between: compare and set, in one transaction with the new revision, the audit row, and what hooks are told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from django.db import transaction
from django.db.models import Max, QuerySet

from gateway.clock import utc_now
from gateway.config.hooks import BEFORE, Hook
from gateway.config.routes import RouteConfig
from gateway.control.current_state import CurrentState, current_state
from gateway.control.database import alias, until_done
from gateway.control.evidence_queries import collect_evidence
from gateway.control.hooks.asking import Refusal
from gateway.control.hooks.asking import ask as ask_hooks
from gateway.control.hooks.events import Event, stage_data
from gateway.control.hooks.outbox import tell
from gateway.control.models import NAME, Change, RouteState
from gateway.control.revisions import next_revision
from gateway.rollout.evidence import missing
from gateway.rollout.policy import declared_state
from gateway.rollout.stage import IllegalMove, State, paused, promoted, resumed, rolled_back
from gateway.wording import Message, message

__all__ = [
    "Conflict",
    "CurrentState",
    "RefusedByHooks",
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

CLIMBING = ("promote", "clear")  # may promote a route, which requires evidence
DONE = {
    "promote": message("promoted"),
    "rollback": message("rolled back"),
    "pause": message("paused"),
    "resume": message("resumed"),
    "clear": message("cleared"),
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a route, as in the audit log. `anyway`: it was promoted although evidence was missing or a hook
    refused."""

    route: str
    verb: str
    before: State
    after: State
    who: str
    why: str
    at: datetime
    revision: int
    anyway: bool = False

    @property
    def message(self) -> Message:
        """It, in words."""
        values = {"who": self.who, "route": self.route, "at": f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"}
        if self.verb == "record":
            said = message("{who} recorded {route!r} at {at}", **values)
        else:
            values |= {"done": DONE[self.verb], "before": self.before.message, "after": self.after.message}
            if self.anyway:
                said = message("{who} {done} {route!r} anyway from {before} to {after} at {at}", **values)
            else:
                said = message("{who} {done} {route!r} from {before} to {after} at {at}", **values)
        return message("{said}: {why}", said=said, why=self.why) if self.why else said

    def __str__(self) -> str:
        return str(self.message)


class Conflict(Exception):
    """Somebody else changed the route first. The message names who, what they did and when; `first` is that change,
    None if the audit log doesn't have it."""

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


class RefusedByHooks(Exception):
    """A promotion that hooks refuse, or that one prevents because it did not answer. `refusals` says which, and why."""

    def __init__(self, route: str, to: State, refusals: Sequence[Refusal]) -> None:
        super().__init__(f"{route!r} can't go to {to}: {'; '.join(map(str, refusals))}")
        self.to = to
        self.refusals = tuple(refusals)


Ask = Callable[[Sequence[Hook], Event], Sequence[Refusal]]


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
    ask: Ask = ask_hooks,
) -> Transition:
    """Promote the route by one step: see `rollout.stage.promoted`.

    Requires evidence (`rollout.evidence`), and then that no hook of the route refuses, which takes up to their
    time-out. With `anyway` it goes on without, which requires a `why` and is in the audit log. `expected` is the
    revision at which the caller saw the route (0: the state in the file); None means the current one. `ask` asks the
    hooks. Raises IllegalMove; Unproved; RefusedByHooks; Conflict if somebody changed the route since; DatabaseBusy;
    ValueError for `anyway` without `why`.
    """
    _reasoned(anyway, why)

    def target(state: State) -> State:
        return promoted(state, route.steps, weight=weight, to=to)

    return _move(route, "promote", who, why, target, expected, anyway=anyway, ask=ask)


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
    """Roll the route back at once: see `rollout.stage.rolled_back`.

    This is for emergencies: without `expected` it never conflicts, but applies to whatever state others have set. No
    hook is asked.
    Raises IllegalMove, DatabaseBusy, and with `expected` Conflict.
    """
    target = partial(rolled_back, to=to, weight=weight, force=force)
    while True:
        try:
            return _move(route, "rollback", who, why, target, expected)
        except Conflict:
            if expected is not None:
                raise


def pause(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Transition:
    """Stop the automatic ramp. Raises as `promote`."""
    return _move(route, "pause", who, why, paused, expected)


def resume(route: RouteConfig, *, who: str, why: str = "", expected: int | None = None) -> Transition:
    """Resume the automatic ramp. Raises as `promote`."""
    return _move(route, "resume", who, why, resumed, expected)


def clear(
    route: RouteConfig, *, who: str, why: str = "", anyway: bool = False, expected: int | None = None
) -> Transition:
    """Return to the state in the file. If that is a promotion, as after a rollback, it requires evidence, and asks
    hooks, like `promote`.

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
    ask: Ask = ask_hooks,
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
    if refusals := _refusals(route, replace(move, revision=seen.revision), ask):
        if not anyway:
            raise RefusedByHooks(route.name, move.after, refusals)
        move = replace(move, anyway=True, why=f"{why} ({'; '.join(_briefly(one) for one in refusals)})")
    done = until_done(lambda: _write(route, move, seen))
    if done is not None:
        return done
    first = _first(route.name, seen.revision)
    # If the connection broke during the commit, the audit log tells whether it succeeded.
    if first is not None and replace(first, revision=0) == move:
        return first
    raise Conflict(route.name, first)


def _lacking(route: RouteConfig, seen: CurrentState, move: Transition) -> tuple[str, ...]:
    """The missing evidence for a promotion."""
    return missing(collect_evidence(route, seen, move.at), move.before, move.after, route.name)


def _refusals(route: RouteConfig, move: Transition, ask: Ask) -> Sequence[Refusal]:
    """What hooks have against `move`, if it is a promotion."""
    hooks = [hook for hook in route.hooks if BEFORE in hook.events]
    if not hooks or move.verb not in CLIMBING or move.after.height <= move.before.height:
        return ()
    return ask(hooks, _event(BEFORE, route, move))


def _briefly(refusal: Refusal) -> str:
    return f"hook {refusal.hook!r} {'' if refusal.failed else 'refused: '}{refusal.reason}"


def _event(kind: str, route: RouteConfig, move: Transition) -> Event:
    data: dict[str, object] = {
        "route": route.name,
        "service": route.service,
        "from": stage_data(move.before),
        "to": stage_data(move.after),
        "who": move.who,
        "why": move.why,
        "revision": move.revision,
    }
    if kind != BEFORE:
        data["anyway"] = move.anyway
    return Event(kind, data, move.at)


def _write(route: RouteConfig, move: Transition, seen: CurrentState) -> Transition | None:
    """Write `move`, and return it with its revision; None if the route is no longer in the state `seen`."""
    with transaction.atomic(using=alias()):
        revision = next_revision()
        if not _set(move, seen, revision):
            transaction.set_rollback(True, using=alias())
            return None
        move = replace(move, revision=revision)
        _log(move)
        tell(route.hooks, _event(move.verb, route, move))
    return move


def _set(move: Transition, seen: CurrentState, revision: int) -> bool:
    """Write the new state if the route is still in the state `seen`. Returns whether it was."""
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
    """The first change of a route after revision `seen`; if that is 0, after it was last cleared."""
    changes = _changes().filter(route=route).exclude(verb="record").order_by("revision")
    if not seen:
        seen = changes.filter(verb="clear").aggregate(latest=Max("revision"))["latest"] or 0
    row = changes.filter(revision__gt=seen).first()
    return None if row is None else moved(row)


def moved(row: Change) -> Transition:
    """The transition in a row of the audit log."""
    before = State(row.from_stage, row.from_weight, row.from_paused)
    after = State(row.to_stage, row.to_weight, row.to_paused)
    return Transition(row.route, row.verb, before, after, row.who, row.why, row.at, row.revision, row.anyway)
