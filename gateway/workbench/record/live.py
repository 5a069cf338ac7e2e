"""Requests a recording from the processes that serve, waits for it, and makes a corpus of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from gateway.clock import SYSTEM, Clock
from gateway.control.recordings import RecordingProgress, collected, end, progress
from gateway.workbench.corpus import About, Case, Corpus
from gateway.workbench.corpus.case import case_of

__all__ = ["LOOK", "collect", "endpoints_of", "skipped_in_words", "wait"]

LOOK = 0.5  # seconds between two checks
LAST = 5.0  # seconds, besides their polling interval, that processes have to store their last cases

WORDS = {
    "busy": "times a server paused for a second, as it had given its share of the time to recordings",
    "share": "are beyond --percent",
    "size": "have a body longer than --max-body",
    "full": "are new, but there was no room for more cases: --cases, --size",
    "unanswered": "were not answered whole, or not by who was asked first",
    "throttled": "were one too many for a throttle",
    "untraced": "were not traced: before Python 3.12 one of ten is, and nothing that runs on the event loop",
    "unread": "were answered before their body was read",
    "unreadable": "have a body that can't be redacted: --unredacted",
    "failed": "could not be recorded: the log says why",
}


def wait(
    recording: str,
    interval: float,
    tell: Callable[[RecordingProgress], None],
    stop: threading.Event,
    clock: Clock = SYSTEM,
) -> RecordingProgress:
    """Wait until a recording is over, or until `stop` is set, which ends it. `tell` is called with its progress,
    `interval` is how long processes may take to notice and to store. Raises NoSuchRecording, Busy and what the database
    raises."""
    known = progress(recording)
    while not known.ended:
        tell(known)
        if stop.wait(LOOK):
            break
        known = progress(recording)
    end(recording)
    until = clock.monotonic() + interval + LAST
    known = progress(recording)
    while not known.finished and clock.monotonic() < until:
        time.sleep(LOOK / 2)
        known = progress(recording)
    tell(known)
    return known


def collect(recording: str) -> Corpus:
    """The recorded corpus. Raises NoSuchRecording."""
    row, found = collected(recording)
    known = progress(recording)
    cases = tuple(replace(case_of(text), seen=max(count, 1)) for text, count in found)
    targets = [one["route"] or f"{one['method']} {one['template']}" for one in row.plan["targets"]]
    about = About(row.started, row.who, "traffic", bool(row.plan["redact"]), tuple(targets), known.requests, row.why)
    return Corpus(cases, about)


def skipped_in_words(skipped: dict[str, int]) -> list[str]:
    """Why requests are in no case, one line per reason."""
    return [
        f"{count:,} {WORDS.get(reason, reason)}" for reason, count in sorted(skipped.items(), key=lambda one: -one[1])
    ]


def endpoints_of(corpus: Corpus) -> list[tuple[str, int, int, int]]:
    """Each endpoint and status (0 without a response), the number of its cases, and of their requests."""
    found: dict[tuple[str, int], list[Case]] = {}
    for case in corpus:
        found.setdefault((case.endpoint, case.answer.status if case.answer else 0), []).append(case)
    return [(*key, len(cases), sum(case.seen for case in cases)) for key, cases in sorted(found.items())]
