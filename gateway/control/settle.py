"""Settles differences: resolved, or accepted until a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import Max

from gateway.control.database import alias, until_done
from gateway.control.models import NAME, AcceptedDifference, DifferenceGroup
from gateway.control.revisions import next_revision
from gateway.parity.rules import Accepted

__all__ = ["NoSuchGroup", "accept", "accepted_at_run_time", "accepted_since", "resolve"]

SHORTEST = 4  # characters of a group's key
UNDER_WAY = timedelta(seconds=10)  # until every worker follows, and has stored what it had found before


class NoSuchGroup(LookupError):
    """No difference, or more than one, has a key with this prefix. The message says which."""


def resolve(key: str, *, who: str, why: str, at: datetime) -> DifferenceGroup:
    """Mark the difference whose key begins with `key` as resolved, by whom and why; if seen again, it is open again.

    Raises NoSuchGroup; ValueError without `who` or `why`; DatabaseBusy.
    """
    if not who or not why.strip():
        raise ValueError("who resolves a difference, and why, is part of the record")
    return until_done(lambda: _resolve(key, who[:NAME], why, at))


def accept(key: str, *, who: str, why: str, until: date, at: datetime) -> DifferenceGroup:
    """Accept the difference whose key begins with `key` until the end (UTC) of the day `until`, by whom and why.

    Every worker compares by it within a second or so; nothing that was compared before counts for a promotion. After
    that day, the difference is open again when it is seen again. An accepted status is accepted for these two statuses.
    Raises NoSuchGroup; ValueError without `who` or `why`, or if `until` is over; DatabaseBusy.
    """
    if not who or not why.strip():
        raise ValueError("who accepts a difference, and why, is part of the record")
    if until < at.astimezone(UTC).date():
        raise ValueError(f"{until} is over: a difference is accepted until a day that is not")
    return until_done(lambda: _accept(key, who[:NAME], why, until, at))


def _accept(key: str, who: str, why: str, until: date, at: datetime) -> DifferenceGroup:
    with transaction.atomic(using=alias()):
        next_revision()  # what workers poll
        group = _resolve(key, who, f"accepted until {until}: {why}", at + UNDER_WAY)
        expected, actual = _statuses(group)
        AcceptedDifference.objects.using(alias()).create(
            route=group.route,
            fingerprint=group.fingerprint,
            kind=group.kind,
            pointer=group.pointer,
            expected=expected,
            actual=actual,
            until=until,
            at=at,
            who=who,
            why=why,
        )
    return group


def _statuses(group: DifferenceGroup) -> tuple[int | None, int | None]:
    """The two statuses, if that is what differs: an accepted 400 → 422 is no accepted 500."""
    if group.pointer != "status" or not group.examples:
        return None, None
    shown = group.examples[-1]
    expected, actual = str(shown["expected"]), str(shown["actual"])
    return int(expected) if expected.isdecimal() else None, int(actual) if actual.isdecimal() else None


def accepted_at_run_time(today: date) -> Mapping[str, Sequence[Accepted]]:
    """The differences that were accepted at run time and still are, by route. Raises what the database raises."""
    found: dict[str, list[Accepted]] = defaultdict(list)
    for row in AcceptedDifference.objects.using(alias()).filter(until__gte=today):
        found[row.route].append(Accepted(row.pointer, row.kind, row.why, row.who, row.until, row.expected, row.actual))
    return found


def accepted_since(route: str) -> datetime | None:
    """When a difference of the route was last accepted at run time; None if none was."""
    rows = AcceptedDifference.objects.using(alias()).filter(route=route)
    latest: datetime | None = rows.aggregate(latest=Max("at"))["latest"]
    return latest


def _resolve(key: str, who: str, why: str, at: datetime) -> DifferenceGroup:
    groups = DifferenceGroup.objects.using(alias())
    found = list(groups.filter(fingerprint__startswith=key)[:2]) if len(key) >= SHORTEST else []
    if len(found) != 1:
        shape = "the key that `gateway diffs ROUTE` shows, or its beginning"
        raise NoSuchGroup(
            f"{'several differences have' if found else 'no difference has'} the key {key!r}; give {shape}"
        )
    (group,) = found
    group.resolved, group.resolved_by, group.resolved_why = at, who, why
    groups.filter(pk=group.pk).update(resolved=at, resolved_by=who, resolved_why=why)
    return group
