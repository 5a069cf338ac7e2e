"""Writes what a worker counted and found. Every function is a transaction, or part of the caller's.

Counts are absolute, so that writing them again changes nothing. Differences are increments: if a connection breaks
during a commit, they may be counted twice.

Each transaction begins with a statement that writes: SQLite waits for its lock then, but fails at once when a
transaction that has read wants to write.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from gateway.control.database import BATCH, alias, upsert
from gateway.control.models import AcceptedMatch, CounterWindow, DifferenceGroup, MirrorWindow, RouteDifferences, Worker
from gateway.mirroring.difference_log import Example, FoundGroup
from gateway.parity.difference import Severity
from gateway.rollout.cohort import BUCKETS
from gateway.stats.tally import SAMPLED, Mirrored, Tally

__all__ = [
    "MOST_EXAMPLES",
    "MOST_GROUPS",
    "Origin",
    "packed",
    "unpacked",
    "write_counts",
    "write_found",
    "write_worker",
]

MOST_GROUPS = 200  # per route
MOST_EXAMPLES = 3  # per group, the latest
MOST_TEXT = 1000  # characters of each text in an example
STALE = timedelta(days=1)  # a group not seen for this long may be replaced by a new one

Tallies = Mapping[tuple[str, str, int], Tally]  # by route, side and start of the window
MirrorTallies = Mapping[tuple[str, int], Mirrored]  # by route and start of the window
ComparisonCounts = Mapping[str, tuple[int, int]]  # by route: new comparisons and controls


@dataclass(frozen=True, slots=True)
class Origin:
    """The process that counted: when it `started`, and the release of each route's service in it."""

    started: datetime
    releases: Mapping[str, str] = field(default_factory=dict)

    def release(self, route: str) -> str:
        """The release of the service of `route`; "" if unknown."""
        return self.releases.get(route, "")


NOWHERE = Origin(datetime.min.replace(tzinfo=UTC))

# -- counters --------------------------------------------------------------------------------------


def write_worker(worker: Worker) -> None:
    """The worker's own row."""
    values = [field.name for field in Worker._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 - documented
    upsert(Worker, [worker], ["id"], values)


def write_counts(
    worker: str,
    tallies: Tallies,
    mirrored: MirrorTallies,
    added: ComparisonCounts | None = None,
    origin: Origin = NOWHERE,
) -> None:
    """Write these counter windows of a worker; they replace what was written of them before."""
    windows = [
        _counter_window(worker, key, tally, origin) for key, tally in sorted(tallies.items(), key=lambda item: item[0])
    ]
    mirrors = [
        _mirror_window(worker, key, seen, origin) for key, seen in sorted(mirrored.items(), key=lambda item: item[0])
    ]
    with transaction.atomic(using=alias()):
        _upsert_windows(windows, mirrors)
        for route, (compared, controls) in sorted((added or {}).items()):
            row = _rows_of([route]).filter(route=route)
            if _takes_over(row.select_for_update().get(), origin):
                row.update(compared=F("compared") + compared, controls=F("controls") + controls)


def _takes_over(row: RouteDifferences, origin: Origin) -> bool:
    """Whether differences found under the release of `origin` count; if it is a new release, counting starts over.

    `row` is locked. The release of the process that started last counts.
    """
    release = origin.release(row.route)
    if row.release == release:
        return True
    if origin.started < row.since:
        return False
    row.release, row.since, row.compared, row.controls, row.beyond = release, origin.started, 0, 0, 0
    row.save(using=alias())
    return True


def _upsert_windows(windows: Sequence[CounterWindow], mirrors: Sequence[MirrorWindow]) -> None:
    if windows:
        values = ["release", "requests", "errors", "fallbacks", "histogram", "callers", "failing", "buckets"]
        values += ["reasons"]
        upsert(CounterWindow, windows, ["worker", "route", "side", "start"], values)
    if mirrors:
        values = ["release", "mirrored", "equal", "different", "critical", "warned", "controls", "errors", "dropped"]
        values += ["callers", "differing"]
        upsert(MirrorWindow, mirrors, ["worker", "route", "start"], values)


def _counter_window(worker: str, key: tuple[str, str, int], tally: Tally, origin: Origin) -> CounterWindow:
    route, side, start = key
    return CounterWindow(
        worker=worker,
        route=route,
        side=side,
        start=start,
        release=origin.release(route),
        requests=tally.requests,
        errors=tally.errors,
        fallbacks=tally.fallbacks,
        histogram=tally.histogram.to_json(),
        callers=sorted(tally.callers),
        failing=sorted(tally.failing),
        buckets=packed(tally.buckets),
        reasons=tally.reasons,
    )


def packed(buckets: Collection[int]) -> str:
    """A set of sampled buckets as text: one bit each, in base 64; "" for an empty set."""
    bits = 0
    for bucket in buckets:
        bits |= 1 << bucket // SAMPLED
    return b64encode(bits.to_bytes(-(-BUCKETS // SAMPLED // 8), "big")).decode() if bits else ""


def unpacked(text: str) -> set[int]:
    """The set that `packed` made into text."""
    bits = int.from_bytes(b64decode(text), "big")
    return {place * SAMPLED for place in range(bits.bit_length()) if bits >> place & 1}


def _mirror_window(worker: str, key: tuple[str, int], seen: Mirrored, origin: Origin) -> MirrorWindow:
    route, start = key
    return MirrorWindow(
        worker=worker,
        route=route,
        start=start,
        release=origin.release(route),
        mirrored=seen.mirrored,
        equal=seen.equal,
        different=seen.different,
        critical=seen.critical,
        warned=seen.warned,
        controls=seen.controls,
        errors=seen.errors,
        dropped=seen.dropped,
        callers=sorted(seen.callers),
        differing=sorted(seen.differing),
    )


# -- differences -----------------------------------------------------------------------------------


Noticed = Callable[[RouteDifferences, Sequence[DifferenceGroup]], None]


def _unnoticed(_: RouteDifferences, __: Sequence[DifferenceGroup]) -> None:
    """For those who tell nobody."""


def write_found(
    found: Sequence[FoundGroup],
    matches: Mapping[tuple[str, str], int],
    now: datetime,
    origin: Origin = NOWHERE,
    noticed: Noticed = _unnoticed,
) -> None:
    """Add differences to their groups, and add occurrences of accepted differences by route and key.

    A route has at most MOST_GROUPS; differences in further groups are only counted, in the route's row. `noticed` is
    called with each route's row and the groups that were added to, in the same transaction.
    """
    if not found and not matches:
        return
    with transaction.atomic(using=alias()):
        routes = sorted({one.route for one in found})
        for row in list(_rows_of(routes).filter(route__in=routes).order_by("route").select_for_update()):
            if _takes_over(row, origin):
                noticed(row, _add(row, {one.key: one for one in found if one.route == row.route}, now))
        _count_matches(matches, now)


def _rows_of(routes: Iterable[str]) -> Any:
    """The rows of RouteDifferences for `routes`, created if necessary."""
    rows = RouteDifferences.objects.using(alias())
    rows.bulk_create([RouteDifferences(route=route) for route in routes], ignore_conflicts=True)
    return rows


def _add(row: RouteDifferences, found: Mapping[str, FoundGroup], now: datetime) -> list[DifferenceGroup]:
    """Add to the groups of the route whose `row` is locked. Returns those that were added to."""
    route = row.route
    groups = DifferenceGroup.objects.using(alias()).filter(route=route)
    known = list(groups.filter(fingerprint__in=found))
    for group in known:
        if group.release != row.release:  # counts and examples are of one release
            group.release, group.count, group.noise, group.examples = row.release, 0, 0, []
        _count(group, found[group.fingerprint], now)
    fields = ["release", "severity", "count", "noise", "last_seen", "examples"]
    groups.bulk_update(known, fields, batch_size=BATCH)
    new = sorted(found.keys() - {group.fingerprint for group in known}, key=lambda key: _rank(found[key]))
    room = _room(route, len(new), now)
    made = [_group(found[key], now, row.release) for key in new[:room]]
    DifferenceGroup.objects.using(alias()).bulk_create(made, batch_size=BATCH)
    beyond = sum(found[key].count for key in new[room:])
    if beyond:
        rows = RouteDifferences.objects.using(alias()).filter(route=route)
        rows.update(beyond=F("beyond") + beyond)
    return [*known, *made]


def _rank(found: FoundGroup) -> tuple[int, int, str]:
    """Sort key for groups when there isn't room for all: by severity, then frequency."""
    return Severity(found.severity).rank, -found.count, found.key


def _room(route: str, wanted: int, now: datetime) -> int:
    """The number of groups for which there is room, after stale groups were deleted to make room for `wanted`."""
    groups = DifferenceGroup.objects.using(alias()).filter(route=route)
    room = MOST_GROUPS - groups.count()
    if wanted > room:
        stale = groups.filter(last_seen__lt=now - STALE).order_by("last_seen").values_list("pk", flat=True)
        room += groups.filter(pk__in=list(stale[: wanted - room])).delete()[0]
    return room


def _group(found: FoundGroup, now: datetime, release: str) -> DifferenceGroup:
    group = DifferenceGroup(
        route=found.route,
        template=_clean(found.template),
        release=release,
        fingerprint=found.key,
        kind=found.kind,
        pointer=_clean(found.pointer),
        severity=found.severity,
        summary=_clean(found.summary),
        first_seen=now,
    )
    _count(group, found, now)
    return group


def _count(group: DifferenceGroup, found: FoundGroup, now: datetime) -> None:
    group.severity = found.severity  # the route's rules may have changed
    group.count += found.count
    group.noise += found.noise
    group.last_seen = now
    group.examples = ([_example(example) for example in reversed(found.examples)] + group.examples)[:MOST_EXAMPLES]


def _example(example: Example) -> dict[str, Any]:
    texts = {name: _clean(getattr(example, name)) for name in ("target", "pointer", "expected", "actual")}
    return {**texts, "at": example.at}


def _clean(text: str) -> str:
    """`text`, shortened, without what PostgreSQL can't store: NUL, and unpaired surrogates."""
    return text[:MOST_TEXT].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _count_matches(matches: Mapping[tuple[str, str], int], now: datetime) -> None:
    rows = AcceptedMatch.objects.using(alias())
    keys = sorted(matches)
    rows.bulk_create([AcceptedMatch(route=route, key=key, last_seen=now) for route, key in keys], ignore_conflicts=True)
    for route, key in keys:
        rows.filter(route=route, key=key).update(count=F("count") + matches[route, key], last_seen=now)
