"""Settles a difference, as a form asks: resolves it, or accepts it until a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import DatabaseError
from django.http import QueryDict
from django.utils.translation import gettext

from gateway.admin.moves import reason_in
from gateway.control.database import DatabaseBusy
from gateway.control.settle import NoSuchGroup, accept, resolve
from gateway.wording import Message, message

if TYPE_CHECKING:
    from gateway.control.reports import DifferenceReport

__all__ = ["NotSettled", "settle"]


class NotSettled(Exception):
    """Nothing was changed, and why, in words. `why` and the other fields are what was typed."""

    def __init__(self, message: str, form: QueryDict, status: int = 400) -> None:
        super().__init__(message)
        self.why = form.get("why", "")
        self.release = form.get("release", "")
        self.until = form.get("until", "")
        self.verb = form.get("verb", "")
        self.status = status


def settle(difference: DifferenceReport, form: QueryDict, who: str, at: datetime) -> Message:
    """Do what the form asks for. Returns what was done, in words. Raises NotSettled."""
    why = reason_in(form)
    if not why:
        raise NotSettled(gettext("a reason is needed: it is kept with the difference"), form)
    try:
        if form.get("verb") == "resolve":
            return _resolved(difference, form.get("release", "").strip(), why, who, at)
        if form.get("verb") == "accept":
            return _accepted(difference, form.get("until", ""), why, who, at)
    except NoSuchGroup as exc:
        raise NotSettled(str(exc), form, 409) from exc
    except (DatabaseBusy, DatabaseError) as exc:
        raise NotSettled(str(exc), form, 503) from exc
    except ValueError as exc:
        raise NotSettled(str(exc), form) from exc
    raise NotSettled(gettext("there is no such step: %(value)s") % {"value": form.get("verb", "")}, form)


def _resolved(difference: DifferenceReport, release: str, why: str, who: str, at: datetime) -> Message:
    """Resolved: open again when it is seen again, whatever the release."""
    text = gettext("by release %(release)s: %(why)s") % {"release": release, "why": why} if release else why
    resolve(difference.fingerprint, who=who, why=text, at=at)
    what = {"summary": difference.summary, "route": difference.route}
    return message("{who} resolved {summary!r} of {route!r}: {why}", who=who, why=text, **what)


def _accepted(difference: DifferenceReport, until: str, why: str, who: str, at: datetime) -> Message:
    """Accepted: it doesn't count until the end of that day."""
    try:
        day = date.fromisoformat(until)
    except ValueError:
        raise ValueError(gettext("a last day is needed, in the future")) from None
    accept(difference.fingerprint, who=who, why=why, until=day, at=at)
    what = {"summary": difference.summary, "route": difference.route}
    return message("{who} accepted {summary!r} of {route!r} until {day}: {why}", who=who, why=why, day=day, **what)
