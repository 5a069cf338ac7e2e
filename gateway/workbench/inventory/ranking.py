"""Ranks the endpoints to move next: by gain and effort, with reasons in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10

from gateway.rollout.stage import LEGACY_STAGE
from gateway.routing.table import ANY
from gateway.wording import Message, message
from gateway.workbench.inventory.coverage import Coverage
from gateway.workbench.inventory.details import Details, details_of
from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.recordings import RecordedCases
from gateway.workbench.inventory.report import InventoryEntry

__all__ = ["Candidate", "ranked"]

READS = frozenset({"GET", "HEAD"})
SLOW = 0.1  # seconds: from here on, callers notice the latency
MANY_FIELDS = 20
COVERED = 80.0  # percent


@dataclass(frozen=True, slots=True)
class Candidate:
    """An endpoint that Django still answers, with a score for comparison, and the reasons for it."""

    entry: InventoryEntry
    score: int
    reasons: tuple[str, ...]


def ranked(
    entries: Sequence[InventoryEntry], coverage: Coverage | None = None, recordings: RecordedCases | None = None
) -> list[Candidate]:
    """Those of `entries` that may be moved next, the best first."""
    left = [entry for entry in entries if entry.own and entry.stage == LEGACY_STAGE and entry.endpoint.kind != "other"]
    total = sum(entry.usage.requests for entry in left if entry.usage is not None)
    found = [_candidate(entry, total, coverage, recordings) for entry in left]
    return sorted(found, key=lambda one: -one.score)


def _candidate(
    entry: InventoryEntry, total: int, coverage: Coverage | None, recordings: RecordedCases | None
) -> Candidate:
    details = details_of(entry.endpoint)
    reasons: list[Message] = []
    gain = _gain(entry, details, total, reasons.append)
    effort = _effort(entry.endpoint, details, reasons.append)
    recorded = recordings.of(entry.endpoint) if recordings is not None else 0
    trust = _trust(entry.endpoint, coverage, recorded, reasons.append)
    return Candidate(entry, round(100 * gain * trust / effort), tuple(reasons))


def _gain(entry: InventoryEntry, details: Details, total: int, say: Callable[[Message], None]) -> float:
    gain = 0.1
    stats = entry.usage.legacy if entry.usage is not None else None
    if stats is not None and stats.requests:
        share = 100 * stats.requests / total
        say(
            message(
                "{share:.1f} % of the traffic that is left ({requests:,} requests)",
                share=share,
                requests=stats.requests,
            )
        )
        gain += log10(1 + stats.requests) * (0.2 + share / 100)
        p95 = stats.histogram.quantile(0.95)
        if p95 is not None and p95 >= SLOW:
            say(message("slow: 95 % take up to {milliseconds:,.0f} ms", milliseconds=p95 * 1000))
            gain *= 1.5
    elif stats is not None:
        say(message("not requested"))
    if details.waits_on:
        say(
            message(
                "waits on others ({libraries}), which an asynchronous endpoint does without a thread",
                libraries=", ".join(details.waits_on),
            )
        )
        gain *= 2
    return gain


def _effort(endpoint: Endpoint, details: Details, say: Callable[[Message], None]) -> float:
    effort = 1.0
    if endpoint.method in READS:
        say(message("only reads: copies of it can be compared at once"))
    else:
        any_method = message("its view takes any method")
        say(any_method if endpoint.method == ANY else message("writes: its copies are rolled back"))
        effort += 1
    if endpoint.kind == "drf":
        say(message("a view of DRF: can be lifted as it is"))
    elif details.templates or details.forms:
        with_forms = message("makes a page of templates and forms")
        say(with_forms if details.forms else message("makes a page of templates"))
        effort += 3
    else:
        effort += 1
    if details.fields > MANY_FIELDS or details.depth > 1:
        say(message("its serializer has {fields} fields, {depth} deep", fields=details.fields, depth=details.depth))
        effort += details.fields / MANY_FIELDS / 2 + (details.depth - 1) / 2
    return effort


def _trust(endpoint: Endpoint, coverage: Coverage | None, recorded: int, say: Callable[[Message], None]) -> float:
    trust = 1.0
    percent = coverage.percent(endpoint) if coverage is not None else None
    if percent is not None:
        say(message("tests run {percent:.0f} % of it", percent=percent))
        trust *= 1.25 if percent >= COVERED else 0.75 + percent / 200
    if recorded:
        say(message("{recorded:,} recorded requests to prove it by", recorded=recorded))
        trust *= 1.25
    return trust
