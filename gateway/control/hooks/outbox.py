"""Events that wait for delivery. Each is stored in the transaction of its change, so that both are written or neither,
is claimed by one process, repeated after a failure, and given up after a day."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import DatabaseError, transaction
from django.db.models import Count, Q

from gateway.config.hooks import Hook
from gateway.control.database import alias, missing, upsert
from gateway.control.hooks.events import Event
from gateway.control.hooks.outcome import CallResult
from gateway.control.models import EventMark, HookDelivery
from gateway.control.timestamps import NEVER

__all__ = ["claim", "due", "forget", "mark", "marked", "note", "noted", "settle", "tell"]

logger = logging.getLogger("gateway.hooks")
MOST_WAITING = 1000  # events of one hook that wait
LEASE = timedelta(seconds=30)  # in addition to the time-out: then another process may deliver what was claimed
FIRST_PAUSE = timedelta(seconds=5)  # doubled after each attempt,
LONGEST_PAUSE = timedelta(hours=1)  # up to this
GIVEN_UP = timedelta(days=1)
KEPT_DELIVERED, KEPT_FAILED, KEPT_MARKS = timedelta(days=7), timedelta(days=30), timedelta(days=90)
CANDIDATES = 3  # of which one is claimed, while others are claimed by other processes


def tell(hooks: Iterable[Hook], event: Event) -> None:
    """Store `event` for those of `hooks` that listen to it. Part of the caller's transaction.

    It never prevents the change: before `manage.py migrate` has run, nobody is told.
    """
    hooks = [hook for hook in hooks if event.type in hook.events]
    if not hooks:
        return
    try:
        with transaction.atomic(using=alias()):
            _store(hooks, event)
    except DatabaseError as exc:
        if not missing(exc):
            raise
        logger.warning("no hook is told of anything before `manage.py migrate` has run: %s", exc)


def _store(hooks: Sequence[Hook], event: Event) -> None:
    payload = event.payload()
    rows = HookDelivery.objects.using(alias())
    waiting = dict(
        rows.filter(state=HookDelivery.WAITING, hook__in=[hook.name for hook in hooks])
        .values_list("hook")
        .annotate(count=Count("pk"))
    )
    full = {hook.name for hook in hooks if waiting.get(hook.name, 0) >= MOST_WAITING}
    for name in full:
        logger.warning("hook %r is not told of a %s: %d events wait for it", name, event.type, MOST_WAITING)
    rows.bulk_create(
        HookDelivery(hook=hook.name, event=event.id, payload=payload, created=event.at, due=event.at)
        for hook in hooks
        if hook.name not in full
    )


def marked(what: str, after: datetime) -> bool:
    """Whether `what` was marked later than `after`."""
    return EventMark.objects.using(alias()).filter(key=_key(what), at__gt=after).exists()


def mark(what: str, now: datetime, before: datetime) -> bool:
    """Mark `what` with `now`, unless it was marked later than `before`. Returns whether it is marked now: of several
    processes that try at the same time, one gets True."""
    rows = EventMark.objects.using(alias())
    rows.bulk_create([EventMark(key=_key(what), at=NEVER)], ignore_conflicts=True)
    return rows.filter(key=_key(what), at__lte=before).update(at=now) == 1


def note(what: str, text: str, now: datetime) -> None:
    """Mark `what` with `now` and a text."""
    upsert(EventMark, [EventMark(key=_key(what), at=now, note=text)], ["key"], ["at", "note"])


def noted(what: str, after: datetime) -> str:
    """The text with which `what` was marked later than `after`; "" if it was not."""
    return next(iter(EventMark.objects.using(alias()).filter(key=_key(what), at__gt=after)), EventMark()).note


def _key(what: str) -> str:
    return sha256(what.encode()).hexdigest()[:32]


# -- delivery ------------------------------------------------------------------------------------


def due(hooks: Iterable[Hook], now: datetime) -> set[str]:
    """The names of those of `hooks` for which an event is due."""
    waiting = HookDelivery.objects.using(alias()).filter(state=HookDelivery.WAITING, due__lte=now)
    return set(waiting.filter(hook__in=[hook.name for hook in hooks]).values_list("hook", flat=True).distinct())


def claim(hook: Hook, now: datetime) -> HookDelivery | None:
    """An event that is due for `hook`, and that no other process delivers meanwhile; None if there is none."""
    rows = HookDelivery.objects.using(alias()).filter(state=HookDelivery.WAITING)
    until = now + timedelta(seconds=hook.timeout) + LEASE
    for row in rows.filter(hook=hook.name, due__lte=now).order_by("due", "pk")[:CANDIDATES]:
        claimed = rows.filter(pk=row.pk, attempts=row.attempts, due=row.due)
        if claimed.update(due=until, attempts=row.attempts + 1) == 1:
            row.attempts, row.due = row.attempts + 1, until
            return row
    return None


def settle(row: HookDelivery, outcome: CallResult, now: datetime, draw: float) -> None:
    """Store what came of delivering `row`, which was claimed. `draw` is random, in [0, 1)."""
    values: dict[str, object] = {"status": outcome.status, "problem": outcome.problem, "ended": now}
    if outcome.ok:
        values["state"] = HookDelivery.DELIVERED
    elif now - row.created >= GIVEN_UP:
        values["state"] = HookDelivery.FAILED
        logger.warning("hook %r was not told of event %s within a day: %s", row.hook, row.event, outcome.problem)
    else:  # if it asks for a time of its own, then not earlier, and not all at the same moment
        asked = min(timedelta(seconds=outcome.again or 0.0), LONGEST_PAUSE)
        values["due"] = now + max(pause(row.attempts, draw), asked + FIRST_PAUSE * draw)
    rows = HookDelivery.objects.using(alias()).filter(pk=row.pk, state=HookDelivery.WAITING)
    # If the claim has ended, another process delivers it now; what that one finds counts, unless this has succeeded.
    (rows if outcome.ok else rows.filter(attempts=row.attempts)).update(**values)


def pause(attempts: int, draw: float) -> timedelta:
    """How long to wait after so many attempts: half to one and a half times as long, so that hooks that fail together
    are not called together."""
    doubled: int = 2 ** min(attempts - 1, 16)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE) * (0.5 + draw)


def forget(now: datetime) -> None:
    """Give up what nobody delivers, and delete what is old."""
    rows = HookDelivery.objects.using(alias())
    stale = rows.filter(state=HookDelivery.WAITING, created__lt=now - GIVEN_UP - LONGEST_PAUSE * 2)
    if stale.exists():  # almost never; an update takes a lock
        stale.update(state=HookDelivery.FAILED, ended=now)
    delivered = Q(state=HookDelivery.DELIVERED, ended__lt=now - KEPT_DELIVERED)
    rows.filter(delivered | Q(state=HookDelivery.FAILED, ended__lt=now - KEPT_FAILED)).delete()
    EventMark.objects.using(alias()).filter(at__lt=now - KEPT_MARKS).delete()
