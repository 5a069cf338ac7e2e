"""Reads from a form how a route is to be moved, and moves it, by the functions that the commands call."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import DatabaseError
from django.http import QueryDict
from django.utils.translation import gettext

from gateway.admin.permissions import Allowed, demand
from gateway.admin.steps import target
from gateway.config.routes import RouteConfig
from gateway.control import transitions
from gateway.control.database import DatabaseBusy
from gateway.control.transitions import Conflict, RefusedByHooks, Transition, Unproved
from gateway.rollout.stage import CANARY, RETIRED, IllegalMove

__all__ = ["VERBS", "Move", "NotMoved", "carry_out", "move_in", "reason_in"]

VERBS = ("promote", "rollback", "pause", "resume", "clear")
LONGEST = 2000  # characters of a reason
DIGITS = 19  # of a revision, which is a 64-bit number


@dataclass(frozen=True, slots=True)
class Move:
    """What a form asked for. `expected` is the revision that its page showed. `anyway`: the second step was taken, so
    that missing evidence, a hook that refuses, or a retired route, is no obstacle."""

    verb: str
    why: str
    to: str = ""
    weight: str = ""
    expected: int = 0
    anyway: bool = False


class NotMoved(Exception):
    """The route was not moved, and why, in words. `move` is what was asked for, so that nothing is typed twice.

    `kind` is "invalid", "refused", "unproved" (`missing` says what is), "hook" (`missing` says which refuses),
    "retired", "conflict" (somebody else was first) or "database".
    """

    def __init__(self, move: Move, kind: str, message: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.move = move
        self.kind = kind
        self.missing = missing

    @property
    def status(self) -> int:
        """The status of the response."""
        return {"invalid": 400, "database": 503}.get(self.kind, 409)

    @property
    def second_step(self) -> bool:
        """Whether it can be done all the same, by who may."""
        return self.kind in ("unproved", "hook", "retired")


def reason_in(form: QueryDict) -> str:
    """The reason that a form gives, cut where it is too long; "" if there is none."""
    return form.get("why", "").strip()[:LONGEST]


def move_in(form: QueryDict) -> Move:
    """The move that a form asks for. Raises NotMoved if it can't be one."""
    expected = form.get("expected", "")
    move = Move(
        verb=form.get("verb", ""),
        why=reason_in(form),
        to=form.get("to", ""),
        weight=form.get("weight", "").strip(),
        expected=int(expected) if expected.isdecimal() and len(expected) < DIGITS else 0,
        anyway=form.get("anyway") == "yes",
    )
    if move.verb not in VERBS:
        raise NotMoved(move, "invalid", gettext("there is no such step: %(value)s") % {"value": move.verb})
    if not move.why:
        raise NotMoved(move, "invalid", gettext("a reason is needed: it is kept in the audit log"))
    return move


def carry_out(route: RouteConfig, move: Move, who: str, may: Allowed) -> Transition:
    """Do it. Raises NotMoved, and PermissionDenied for what the user may not do."""
    demand(may.operate and (may.override or not move.anyway))
    try:
        return _carried_out(route, move, who)
    except Unproved as exc:
        raise NotMoved(move, "unproved", str(exc), exc.missing) from exc
    except RefusedByHooks as exc:
        raise NotMoved(move, "hook", str(exc), tuple(str(one) for one in exc.refusals)) from exc
    except Conflict as exc:
        raise NotMoved(move, "conflict", str(exc)) from exc
    except IllegalMove as exc:
        retired = move.verb == "rollback" and transitions.current_state(route).state.stage == RETIRED
        raise NotMoved(move, "retired" if retired else "refused", f"{route.name}: {exc}") from exc
    except ValueError as exc:
        raise NotMoved(move, "invalid", str(exc)) from exc
    except (DatabaseBusy, DatabaseError) as exc:
        raise NotMoved(replace(move, anyway=False), "database", str(exc)) from exc


def _carried_out(route: RouteConfig, move: Move, who: str) -> Transition:
    if move.verb == "promote":
        stage, weight = _to(move)
        return transitions.promote(
            route, who=who, why=move.why, to=stage, weight=weight, anyway=move.anyway, expected=move.expected
        )
    if move.verb == "rollback":  # an emergency: whoever moved it meanwhile, it goes back
        stage, weight = _to(move)
        return transitions.rollback(route, who=who, why=move.why, to=stage, weight=weight, force=move.anyway)
    if move.verb == "clear":
        return transitions.clear(route, who=who, why=move.why, anyway=move.anyway, expected=move.expected)
    verb = transitions.pause if move.verb == "pause" else transitions.resume
    return verb(route, who=who, why=move.why, expected=move.expected)


def _to(move: Move) -> tuple[str, float | None]:
    """The stage and the weight; a weight of one's own instead of a step's."""
    stage, weight = target(move.to)
    if not move.weight:
        return stage, weight
    if stage != CANARY:
        raise ValueError(gettext("a weight goes with canary"))
    try:
        return stage, float(move.weight.replace(",", "."))
    except ValueError:
        raise ValueError(gettext("a weight is a number: %(value)s") % {"value": move.weight}) from None
