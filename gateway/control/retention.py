"""Deletes old rows, in whichever worker comes first; counter windows are added to the rows of their hours before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from gateway.control.database import alias
from gateway.control.endpoint_days import fold_days
from gateway.control.hooks.outbox import forget
from gateway.control.models import CounterWindow, DifferenceGroup, Hour, MirrorWindow, Worker
from gateway.control.recordings import forget_before
from gateway.stats.histogram import Histogram

__all__ = ["retain"]

COUNTER_WINDOWS = timedelta(hours=2)
HOURS = timedelta(days=90)
GROUPS = timedelta(days=30)  # after a difference was last seen
RECORDINGS = timedelta(days=1)  # after the end of one that was not fetched
MOST = 500  # rows in one transaction, during which SQLite blocks other writers
HOUR = 3600  # seconds


def retain(now: datetime) -> None:
    """Do what is due at `now`. Each step is a short transaction, and can be repeated."""
    fold_days(now)
    old = int((now - COUNTER_WINDOWS).timestamp())
    while _fold(old):
        pass
    for model, field, before in (
        (MirrorWindow, "start", old),
        (Hour, "start", int((now - HOURS).timestamp())),
        (DifferenceGroup, "last_seen", now - GROUPS),
        (Worker, "seen", now - COUNTER_WINDOWS),
    ):
        model._base_manager.using(alias()).filter(**{f"{field}__lt": before}).delete()  # noqa: SLF001 - documented
    forget_before(now - RECORDINGS)
    forget(now)


def _fold(before: int) -> int:
    """Add up to MOST windows that began before that second to their hours, and delete them. Returns how many."""
    windows = CounterWindow.objects.using(alias()).filter(start__lt=before)
    if not windows.exists():  # almost always, and without a lock
        return 0
    with transaction.atomic(using=alias()):
        Hour.objects.using(alias()).filter(pk=0).update(requests=0)  # changes nothing, but makes SQLite take its lock
        # Another worker may fold the same windows; after waiting for its lock, they are gone.
        taken = list(windows.select_for_update().order_by("pk")[:MOST])
        hours = _hours(taken)
        for window in taken:
            _add(hours[window.route, window.side, window.start // HOUR * HOUR], window)
        fields = ["requests", "errors", "fallbacks", "histogram"]
        Hour.objects.using(alias()).bulk_update(hours.values(), fields)
        windows.filter(pk__in=[window.pk for window in taken]).delete()
    return len(taken)


def _hours(windows: Iterable[CounterWindow]) -> dict[tuple[str, str, int], Hour]:
    """The rows of the hours that `windows` are in, locked."""
    rows = Hour.objects.using(alias())
    found = {}
    for route, side, start in sorted({(window.route, window.side, window.start // HOUR * HOUR) for window in windows}):
        rows.bulk_create([Hour(route=route, side=side, start=start)], ignore_conflicts=True)
        found[route, side, start] = rows.select_for_update().get(route=route, side=side, start=start)
    return found


def _add(hour: Hour, window: CounterWindow) -> None:
    histogram = Histogram.from_json(hour.histogram)
    histogram.merge(Histogram.from_json(window.histogram))
    hour.requests += window.requests
    hour.errors += window.errors
    hour.fallbacks += window.fallbacks
    hour.histogram = histogram.to_json()
