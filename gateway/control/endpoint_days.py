"""The counts of each endpoint by days, of all workers: written, folded and read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from django.db import transaction

from gateway.clock import Clock
from gateway.control.database import alias, upsert
from gateway.control.models import NAME, EndpointDay
from gateway.stats.endpoint_stats import EndpointStats
from gateway.stats.histogram import Histogram
from gateway.stats.traffic import MOST_NAMES, EndpointKey, EndpointTally, Traffic

__all__ = ["DAY", "EVERY", "EndpointWriter", "fold_days", "usage"]

DAY = 86400  # seconds
EVERY = 30.0  # seconds between two writes: there may be a row for each endpoint
KEPT = timedelta(days=90)
MOST = 500  # rows in one transaction, during which SQLite blocks other writers
ALL = ""  # instead of a worker's ID, once a day is over and folded
VALUES = ["requests", "errors", "size", "histogram", "parameters", "seen"]


class EndpointWriter:
    """Writes the counts in `traffic`, for the worker with that ID. The numbers are absolute: writing them again changes
    nothing.

    Days are in UTC. After the end of a day its counts are written once more, since a request that had begun before may
    have been added.
    """

    def __init__(self, worker: str, traffic: Traffic | None, clock: Clock) -> None:
        self._worker = worker
        self._traffic = traffic
        self._clock = clock
        self._days: dict[int, dict[EndpointKey, EndpointTally]] = {}
        self._written: dict[tuple[int, EndpointKey], int] = {}
        self._next = clock.monotonic() + EVERY

    def write(self, *, now: bool = False) -> None:
        """Write what is new, if it is due or with `now`. Raises what the database raises; then nothing is forgotten."""
        if self._traffic is None or not (now or self._clock.monotonic() >= self._next):
            return
        self._next = self._clock.monotonic() + EVERY
        moment = datetime.fromtimestamp(self._clock.time(), UTC)
        over = self._turn(int(self._clock.time()) // DAY * DAY)
        for day, tallies in self._days.items():
            counts = {key: tally.requests for key, tally in tallies.copy().items()}
            new = {key: count for key, count in counts.items() if self._written.get((day, key)) != count}
            write_endpoints(self._worker, day, {key: tallies[key] for key in new}, moment)
            self._written |= {(day, key): count for key, count in new.items()}
        for day in over:
            del self._days[day]
            self._written = {key: count for key, count in self._written.items() if key[0] != day}

    def _turn(self, today: int) -> list[int]:
        """Begin `today`, if that is new. Returns the days that were over at the last call already."""
        if not self._days:
            self._days[today] = self._traffic if self._traffic is not None else {}
        over = [day for day in self._days if day != max(self._days)]
        if today > max(self._days) and self._traffic is not None:
            self._days[max(self._days)] = self._traffic.turn()
            self._days[today] = self._traffic
        return over


def write_endpoints(worker: str, day: int, tallies: Mapping[EndpointKey, EndpointTally], seen: datetime) -> None:
    """Write the counts of these endpoints for a worker and a day, replacing those that were written before."""
    rows = [_row(worker, day, key, tally, seen) for key, tally in sorted(tallies.items(), key=lambda item: item[0])]
    if rows:
        with transaction.atomic(using=alias()):
            upsert(EndpointDay, rows, ["worker", "day", "key"], VALUES)


def _row(worker: str, day: int, key: EndpointKey, tally: EndpointTally, seen: datetime) -> EndpointDay:
    upstream, method, label = key
    tally.note_names()
    histogram = Histogram()
    histogram.counts = tally.counts.copy()
    return EndpointDay(
        worker=worker,
        day=day,
        key=_hash(key),
        upstream=upstream[:NAME],
        method=method,
        label=label,
        requests=tally.requests,
        errors=tally.errors,
        size=tally.size,
        histogram=histogram.to_json(),
        parameters=sorted(tally.names),
        seen=seen,
    )


def _hash(key: EndpointKey) -> str:
    """A unique key: a pattern can be longer than an index allows."""
    return blake2b("\0".join(key).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# -- retention -------------------------------------------------------------------------------------


def fold_days(now: datetime) -> None:
    """Fold the rows of all workers into one, for each endpoint and day before yesterday, and delete old days."""
    rows = EndpointDay.objects.using(alias())
    while _fold(int(now.timestamp()) // DAY * DAY - DAY):
        pass
    rows.filter(day__lt=int((now - KEPT).timestamp())).delete()


def _fold(before: int) -> int:
    """Add some workers' rows of days before `before` to the common rows, and delete them. Returns how many."""
    rows = EndpointDay.objects.using(alias())
    old = rows.filter(day__lt=before).exclude(worker=ALL)
    if not old.exists():  # almost always, and without a lock
        return 0
    with transaction.atomic(using=alias()):
        rows.filter(pk=0).update(requests=0)  # changes nothing, but makes SQLite take its lock
        taken = list(old.select_for_update().order_by("pk")[:MOST])
        for row in taken:
            _add(row)
        rows.filter(pk__in=[row.pk for row in taken]).delete()
    return len(taken)


def _add(row: EndpointDay) -> None:
    rows = EndpointDay.objects.using(alias())
    empty = {"upstream": row.upstream, "method": row.method, "label": row.label, "seen": row.seen}
    rows.bulk_create([EndpointDay(worker=ALL, day=row.day, key=row.key, **empty)], ignore_conflicts=True)
    total = rows.select_for_update().get(worker=ALL, day=row.day, key=row.key)
    histogram = Histogram.from_json(total.histogram)
    histogram.merge(Histogram.from_json(row.histogram))
    total.histogram = histogram.to_json()
    total.requests += row.requests
    total.errors += row.errors
    total.size += row.size
    total.parameters = sorted({*total.parameters, *row.parameters})[:MOST_NAMES]
    total.seen = max(total.seen, row.seen)
    total.save(using=alias())


# -- reading ---------------------------------------------------------------------------------------


def usage(now: datetime, days: int) -> dict[EndpointKey, EndpointStats]:
    """The counts of the last `days` days, today included, by upstream, method and label."""
    since = int(now.timestamp()) // DAY * DAY - (days - 1) * DAY
    found: dict[EndpointKey, EndpointStats] = {}
    for row in EndpointDay.objects.using(alias()).filter(day__gte=since).iterator():
        stats = found.setdefault((row.upstream, row.method, row.label), EndpointStats())
        histogram = Histogram.from_json(row.histogram)
        stats.merge(EndpointStats(row.requests, row.errors, row.size, histogram, set(row.parameters), row.seen))
    return found
