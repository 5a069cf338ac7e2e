"""Starts a recording of a route's requests, as `gateway record ROUTE --detach` does."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DatabaseError
from django.http import QueryDict
from django.utils.translation import gettext

from gateway.admin.moves import Move, NotMoved, reason_in
from gateway.config.routes import RouteConfig
from gateway.control.database import DatabaseBusy
from gateway.control.recordings import start
from gateway.recording.plan import Selection, Target
from gateway.rollout.policy import declared_state
from gateway.wording import Message, message

__all__ = ["Begun", "record"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A recording that was begun, and the command that fetches it."""

    recording: str
    seconds: float
    who: str
    route: str
    why: str

    @property
    def message(self) -> Message:
        """It, in words."""
        return message(
            "{who} records {route!r} for {seconds:g} s: {why} ({command})",
            who=self.who,
            route=self.route,
            seconds=self.seconds,
            why=self.why,
            command=f"gateway record --fetch {self.recording}",
        )


def record(route: RouteConfig, form: QueryDict, who: str) -> Begun:
    """Begin what the form asks for. Raises NotMoved."""
    from gateway.workbench.record.targets import duration

    move = Move(verb="record", why=reason_in(form), to=form.get("for", ""))
    if not move.why:
        raise NotMoved(move, "invalid", gettext("a reason is needed: it is kept in the audit log"))
    try:
        seconds = duration(move.to)
        selection = Selection((Target(route=route.name),))
        recording = start(selection, who=who, seconds=seconds, why=move.why, stages={route.name: declared_state(route)})
    except ValueError as exc:
        raise NotMoved(move, "invalid", str(exc)) from exc
    except (DatabaseBusy, DatabaseError) as exc:
        raise NotMoved(move, "database", str(exc)) from exc
    return Begun(recording, seconds, who, route.name, move.why)
