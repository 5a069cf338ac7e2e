"""Analyses requests that were kept, one after another, on a separate thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from queue import SimpleQueue
from typing import NamedTuple

from gateway.clock import Clock
from gateway.context.recording import Recorder
from gateway.mirroring.kept import Kept
from gateway.recording.budget import TimeBudget
from gateway.recording.callers import CallerLookup
from gateway.recording.sample import Sampled, Who
from gateway.recording.session import RecordingSession

__all__ = ["Analysis", "WantedRequest"]

NOBODY = Who()
logger = logging.getLogger("gateway.recording")

MOST_WAITING = 500
PAUSE = 0.03  # seconds
MOST_BYTES = 16 * 2**20  # of requests that wait
TRACED = 5e-7  # seconds that a trace function takes for each line and call, on the request's own thread


class WantedRequest(NamedTuple):
    """A session that wants a request, and the request's template."""

    session: RecordingSession
    template: str
    route: str | None
    max_body: int
    trace: Callable[[Recorder], None] | None


Work = tuple[Kept, Sequence[WantedRequest], int | None]


class Analysis:
    """Analyses requests within `budget`, to which the time is added."""

    def __init__(self, budget: TimeBudget, callers: CallerLookup, clock: Clock) -> None:
        self._budget = budget
        self._callers = callers
        self._clock = clock
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._added = self._added_bytes = 0  # written by the event loop
        self._done = self._done_bytes = 0  # written by the thread

    def start(self) -> None:
        """Start the thread, unless it runs."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="gateway-record", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop after the waiting requests."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread = None

    def has_room(self) -> bool:
        """Whether another request may wait."""
        return self._added - self._done < MOST_WAITING and self._added_bytes - self._done_bytes < MOST_BYTES

    def add(self, kept: Kept, wanted: Sequence[WantedRequest], key: int | None) -> None:
        """Analyse this request when there is time. `key` recognises its equals."""
        for one in wanted:
            one.session.pending += 1
        self._added += 1
        self._added_bytes += kept.size
        self._queue.put((kept, wanted, key))

    def _run(self) -> None:
        """Analyse all waiting requests, then pause: each time that the thread is woken, the event loop may have to wait
        for it."""
        queue = self._queue
        while (work := queue.get()) is not None:
            since = time.thread_time()
            size = work[0].size
            self._look(*work)
            del work
            self._done += 1
            self._done_bytes += size
            self._budget.analysed += time.thread_time() - since
            if queue.empty():
                time.sleep(PAUSE)

    def _look(self, kept: Kept, wanted: Sequence[WantedRequest], key: int | None) -> None:
        known, now = self._callers.known(kept), self._clock.time()
        if key is not None and (kept.tap.recorder.lines is not None or self._callers.has_unusual_credentials(kept)):
            key = None
        self._budget.analysed += TRACED * kept.tap.recorder.traced
        for one in wanted:
            try:
                if one.trace is not None and kept.tap.recorder.lines is None:
                    one.session.skip("untraced")
                elif kept.answer is not None:
                    sampled = Sampled(kept, kept.answer, one.template, one.route, NOBODY, now, _reached(kept))
                    one.session.look(sampled, known, self._callers.ask, key)
            except Exception:
                one.session.skip("failed")
                logger.exception("a request could not be recorded")
            finally:
                one.session.finished += 1


def _reached(kept: Kept) -> str | None:
    """An identifier for the lines that ran."""
    lines = kept.tap.recorder.lines
    if lines is None:
        return None
    return blake2b(repr(sorted(lines)).encode("utf-8", "replace"), digest_size=6).hexdigest()
