"""What grows old: slots become hours, hours and forgotten differences go. Whichever worker gets there does it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from gateway.control.database import alias
from gateway.control.endpoint_days import fold_days
from gateway.control.models import DifferenceGroup, Hour, MirrorSlot, Slot, Worker
from gateway.control.recordings import forget_before
from gateway.stats.histogram import Histogram

__all__ = ["retain"]

SLOTS = timedelta(hours=2)
HOURS = timedelta(days=90)
GROUPS = timedelta(days=30)  # since a difference was last seen
RECORDINGS = timedelta(days=1)  # since the end of one that nobody has fetched
MOST = 500  # rows in one transaction: on SQLite nobody else writes meanwhile
HOUR = 3600  # seconds


def retain(now: datetime) -> None:
    """Do what is due at `now`. Each step is a short transaction, and can be repeated."""
    fold_days(now)
    old = int((now - SLOTS).timestamp())
    while _fold(old):
        pass
    for model, field, before in (
        (MirrorSlot, "start", old),
        (Hour, "start", int((now - HOURS).timestamp())),
        (DifferenceGroup, "last_seen", now - GROUPS),
        (Worker, "seen", now - SLOTS),
    ):
        model._base_manager.using(alias()).filter(**{f"{field}__lt": before}).delete()  # noqa: SLF001 - documented
    forget_before(now - RECORDINGS)


def _fold(before: int) -> int:
    """Add some slots that began before that second to their hours, and delete them. Returns how many."""
    slots = Slot.objects.using(alias()).filter(start__lt=before)
    if not slots.exists():  # nearly always: no lock is taken then
        return 0
    with transaction.atomic(using=alias()):
        Hour.objects.using(alias()).filter(pk=0).update(requests=0)  # changes nothing, but SQLite takes its lock
        # Another worker may be at the same ones; after waiting for it, they are gone.
        taken = list(slots.select_for_update().order_by("pk")[:MOST])
        hours = _hours(taken)
        for slot in taken:
            _add(hours[slot.route, slot.side, slot.start // HOUR * HOUR], slot)
        fields = ["requests", "errors", "fallbacks", "histogram"]
        Hour.objects.using(alias()).bulk_update(hours.values(), fields)
        slots.filter(pk__in=[slot.pk for slot in taken]).delete()
    return len(taken)


def _hours(slots: Iterable[Slot]) -> dict[tuple[str, str, int], Hour]:
    """The rows of the hours that `slots` are in, locked."""
    rows = Hour.objects.using(alias())
    found = {}
    for route, side, start in sorted({(slot.route, slot.side, slot.start // HOUR * HOUR) for slot in slots}):
        rows.bulk_create([Hour(route=route, side=side, start=start)], ignore_conflicts=True)
        found[route, side, start] = rows.select_for_update().get(route=route, side=side, start=start)
    return found


def _add(hour: Hour, slot: Slot) -> None:
    histogram = Histogram.from_json(hour.histogram)
    histogram.merge(Histogram.from_json(slot.histogram))
    hour.requests += slot.requests
    hour.errors += slot.errors
    hour.fallbacks += slot.fallbacks
    hour.histogram = histogram.to_json()
