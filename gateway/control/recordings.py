"""Recordings in the database: requested by `gateway record`, made by the processes that serve, and fetched again.

Starting and ending one increments the revision, so that workers notice. Each start is in the audit log, for each of its
routes or endpoints.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F

from gateway.clock import utc_now
from gateway.control.database import alias, until_done, upsert
from gateway.control.models import NAME, Change, Recording, RecordingTally, RouteState, Sample, Worker
from gateway.control.revisions import next_revision
from gateway.control.timestamps import NEVER
from gateway.randomness import RANDOMNESS, Randomness
from gateway.recording.plan import Plan, RecordingLimits, Selection, Target
from gateway.recording.session import Batch
from gateway.rollout.stage import LEGACY_STAGE, State

__all__ = [
    "NoSuchRecording",
    "RecordingProgress",
    "active",
    "collected",
    "end",
    "forget",
    "forget_before",
    "progress",
    "serving",
    "start",
    "write_batches",
]

logger = logging.getLogger("gateway.control")
ALIVE = timedelta(seconds=15)  # since a worker was seen


class NoSuchRecording(LookupError):
    """There is no such recording, or it was deleted."""


@dataclass(frozen=True, slots=True)
class RecordingProgress:
    """The progress of a recording. `requests` were seen by `workers` processes, `cases` are stored, `skipped` counts
    the requests that were left out, by reason. `finished`: it has ended, and every running process has stored its
    part."""

    id: str
    who: str
    until: datetime
    ended: bool
    requests: int
    cases: int
    workers: int
    finished: bool
    skipped: dict[str, int]


# -- for those who request one ----------------------------------------------------------------------


def start(
    selection: Selection,
    *,
    who: str,
    seconds: float,
    why: str = "",
    stages: Mapping[str, State] | None = None,
    randomness: Randomness = RANDOMNESS,
) -> str:
    """Request a recording, and return its ID. `stages` has the states of routes that were never changed, for the audit
    log. Raises ValueError without `who` or targets; TemplateError; Busy."""
    if not who or not selection.targets:
        raise ValueError("who records, and what, is part of the audit log")
    now = utc_now()
    plan = Plan(randomness.visitor_id(), 0.0, randomness.key(), selection)
    row = Recording(
        id=plan.id, who=who[:NAME], why=why, started=now, until=now + timedelta(seconds=seconds),
        plan=selection.to_json(), secret=plan.secret.hex(),
    )  # fmt: skip
    until_done(lambda: _start(row, selection.targets, stages or {}))
    return plan.id


def _start(row: Recording, targets: Iterable[Target], stages: Mapping[str, State]) -> None:
    with transaction.atomic(using=alias()):
        for target in targets:
            revision = next_revision()
            state = _state(target, stages)
            Change.objects.using(alias()).create(
                at=row.started, who=row.who, verb="record", route=str(target)[:NAME], why=row.why, revision=revision,
                from_stage=state.stage, from_weight=state.weight, from_paused=state.paused,
                to_stage=state.stage, to_weight=state.weight, to_paused=state.paused,
            )  # fmt: skip
        row.save(using=alias(), force_insert=True)


def _state(target: Target, stages: Mapping[str, State]) -> State:
    moved = RouteState.objects.using(alias()).filter(route=target.route).first() if target.route else None
    if moved is None:
        return stages.get(target.route or "", State(LEGACY_STAGE))
    return State(moved.stage, moved.weight, moved.paused)


def end(recording: str) -> None:
    """Stop a recording in every process now, and delete its secret. Raises Busy."""

    def write() -> None:
        with transaction.atomic(using=alias()):
            next_revision()
            _close(recording, utc_now())

    until_done(write)


def _close(recording: str, now: datetime) -> None:
    rows = Recording.objects.using(alias()).filter(pk=recording)
    rows.filter(ended=NEVER).update(ended=now)
    rows.update(secret="")


def serving() -> int:
    """The number of processes that serve now."""
    return Worker.objects.using(alias()).filter(seen__gte=utc_now() - ALIVE).count()


def progress(recording: str) -> RecordingProgress:
    """The progress of a recording. Raises NoSuchRecording."""
    row = Recording.objects.using(alias()).filter(pk=recording).first()
    if row is None:
        raise NoSuchRecording(f"there is no recording {recording!r}; one that isn't fetched is kept for a day")
    now = utc_now()
    tallies = list(RecordingTally.objects.using(alias()).filter(recording=recording))
    living = set(Worker.objects.using(alias()).filter(seen__gte=now - ALIVE).values_list("pk", flat=True))
    skipped: dict[str, int] = {}
    for tally in tallies:
        for reason, count in tally.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
    ended = row.ended != NEVER or row.until <= now
    waited = [tally for tally in tallies if tally.worker in living and not tally.done]
    return RecordingProgress(
        row.id, row.who, row.until, ended, sum(tally.seen for tally in tallies),
        Sample.objects.using(alias()).filter(recording=recording).count(), len(tallies),
        ended and not waited, skipped,
    )  # fmt: skip


def collected(recording: str) -> tuple[Recording, list[tuple[str, int]]]:
    """The recording and its cases so far, as JSON, each with the number of requests that it represents: by endpoint, in
    the order of arrival. Raises NoSuchRecording."""
    row = Recording.objects.using(alias()).filter(pk=recording).first()
    if row is None:
        raise NoSuchRecording(f"there is no recording {recording!r}; one that isn't fetched is kept for a day")
    samples = Sample.objects.using(alias()).filter(recording=recording).order_by("endpoint", "at", "pk")
    return row, list(samples.values_list("case", "count"))


def forget(recording: str) -> None:
    """Delete a recording."""
    for model in (Sample, RecordingTally):
        model.objects.using(alias()).filter(recording=recording).delete()
    Recording.objects.using(alias()).filter(pk=recording).delete()


def forget_before(moment: datetime) -> None:
    """Delete the recordings that ended before `moment`."""
    for recording in Recording.objects.using(alias()).filter(until__lt=moment).values_list("pk", flat=True):
        forget(recording)


# -- for processes that serve ------------------------------------------------------------------------


def active(now: datetime) -> list[Plan]:
    """The recordings that are active at `now`."""
    plans = []
    for row in Recording.objects.using(alias()).filter(until__gt=now, ended=NEVER):
        try:
            secret = bytes.fromhex(row.secret)
            plans.append(Plan(row.pk, row.until.timestamp(), secret, Selection.from_json(row.plan)))
        except (ValueError, TypeError, KeyError):  # of another release, or written by hand
            logger.exception("recording %s makes no sense to this process, and is left out", row.pk)
    return plans


def write_batches(worker: str, batches: Sequence[Batch], now: datetime) -> None:
    """Store what one process has recorded. If several processes have similar requests, the first case is kept."""
    for batch in batches:
        with transaction.atomic(using=alias()):
            tally = RecordingTally(
                recording=batch.recording, worker=worker, seen=batch.seen, skipped={**batch.skipped}, done=batch.done
            )
            upsert(RecordingTally, [tally], ["recording", "worker"], ["seen", "skipped", "done"])
            row = Recording.objects.using(alias()).select_for_update().filter(pk=batch.recording).first()
            if row is None:
                continue  # it was fetched and deleted, or is too old
            _write(batch, RecordingLimits(**row.plan["limits"]))
            if batch.done and row.until <= now:
                _close(batch.recording, now)


def _write(batch: Batch, limits: RecordingLimits) -> None:
    """Write a batch within the limits of the recording, whose row is locked."""
    samples = Sample.objects.using(alias()).filter(recording=batch.recording)
    known = set(samples.filter(fingerprint__in=list(batch.found)).values_list("fingerprint", flat=True))
    for fingerprint, found in batch.found.items():
        if fingerprint in known:
            samples.filter(fingerprint=fingerprint).update(count=F("count") + found.count)
        elif found.document is not None and samples.filter(endpoint=found.endpoint).count() < limits.cases:
            samples.create(
                recording=batch.recording, fingerprint=fingerprint, endpoint=found.endpoint, case=found.document,
                count=found.count, at=datetime.fromtimestamp(found.at, UTC),
            )  # fmt: skip
