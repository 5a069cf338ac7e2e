"""Selects requests for recordings: called for each request while a recording is active, on the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from starlette.types import Scope

from gateway.clock import Clock
from gateway.context.outbound import OutboundLog
from gateway.dispatch.exchange import Exchange
from gateway.mirroring.kept import Kept
from gateway.recording.analysis import Analysis, WantedRequest
from gateway.recording.budget import TimeBudget
from gateway.recording.callers import CallerLookup
from gateway.recording.clients import note_clients
from gateway.recording.lines import line_tracer
from gateway.recording.plan import Plan
from gateway.recording.repeated import exact_key
from gateway.recording.session import Batch, RecordingSession
from gateway.rollout.decision import NOBODY
from gateway.routing.table import SOCKET

__all__ = ["Recordings"]


class Recordings:
    """The recordings in which this process takes part.

    `callers` determines who made a request.
    """

    def __init__(self, clock: Clock, random: Callable[[], float], callers: CallerLookup) -> None:
        self.active = False
        self._clock = clock
        self._random = random
        self._callers = callers
        self._sessions: tuple[RecordingSession, ...] = ()
        self._budget = TimeBudget(clock.monotonic())
        self._meters = self._budget.meters()
        self._storing = 0.0  # since when results are stored, in seconds of that thread's processor time
        self._analysis = Analysis(self._budget, callers, clock)

    # -- on the event loop -----------------------------------------------------------------------

    def begin(self, exchange: Exchange, scope: Scope, copy: Kept | None) -> Kept | None:
        """Begin to keep a request, if a recording wants it: in `copy`, which is returned otherwise. Called only while
        `active`."""
        since = time.thread_time() if self._meters else None
        wanted = self._wanted(exchange)
        if not wanted:
            return copy
        if copy is None:
            limit = wanted[0].max_body if len(wanted) == 1 else max(one.max_body for one in wanted)
            copy = Kept(exchange.decision.upstream, exchange.info, scope, exchange.since, limit)
        copy.wanted = wanted
        recorder = copy.tap.recorder
        recorder.outbound = OutboundLog()
        for one in wanted:
            if one.trace is not None:
                recorder.trace, recorder.lines = one.trace, set()
        if since is not None:
            recorder.spent = time.thread_time() - since
        self._meters = self._budget.meters()
        return copy

    def _wanted(self, exchange: Exchange) -> list[WantedRequest]:
        info, match = exchange.info, exchange.match
        if exchange.decision.upstream == NOBODY or info.method == SOCKET:
            return []
        found = []
        route = None if match is None else match.route
        for session in self._sessions:
            template = session.template(info, match) if session.open else None
            if template is not None and self._takes(session, exchange.since):
                found.append(WantedRequest(session, template, route, session.max_body, session.trace))
        return found

    def _takes(self, session: RecordingSession, now: float) -> bool:
        session.seen += 1
        percent = session.plan.selection.limits.percent
        if self._clock.time() >= session.plan.until:
            return False
        if percent < 100 and self._random() * 100 >= percent:
            session.skip("share")
            return False
        if session.trace is not None and not line_tracer.chooses():
            session.skip("untraced")
            return False
        if not self._analysis.has_room() or not self._budget.allows(now):
            session.skip("busy")
            self.active = False  # until the results so far are taken, so that requests cost nothing meanwhile
            return False
        return True

    def submit(self, kept: Kept, *, fell_back: bool) -> None:
        """The caller of a wanted request has been answered: count it, and have it analysed if it isn't known."""
        spent = kept.tap.recorder.spent
        if spent is None:
            self._submit(kept, fell_back=fell_back)
            return
        since = time.thread_time()
        self._submit(kept, fell_back=fell_back)
        self._budget.measured(spent + time.thread_time() - since)

    def _submit(self, kept: Kept, *, fell_back: bool) -> None:
        wanted = [one for one in kept.wanted if isinstance(one, WantedRequest) and one.session.open]
        reason = kept.defect(fell_back=fell_back)
        if reason is not None:
            for one in wanted:
                one.session.skip(reason)
            return
        key = exact_key(kept) if kept.tap.recorder.lines is None else None
        if key is not None:
            wanted = [one for one in wanted if not one.session.repeats(key)]
        if not wanted:
            return
        kept.until = self._clock.monotonic()
        self._callers.loop = loop = asyncio.get_running_loop()
        # After this turn of the event loop, like mirrors, and after these.
        loop.call_soon(partial(self._take, kept, wanted, key), context=contextvars.Context())

    def _take(self, kept: Kept, wanted: Sequence[WantedRequest], key: int | None) -> None:
        if kept.answer is None:  # not mirrored
            kept.finish(fell_back=False)
        self._analysis.add(kept, wanted, key)

    # -- on other threads ------------------------------------------------------------------------

    def follow(self, plans: Iterable[Plan]) -> None:
        """Record by these plans from now on. Recordings without a plan are over."""
        wanted = {plan.id: plan for plan in plans}
        sessions = {session.plan.id: session for session in self._sessions}
        for session in self._sessions:
            session.open = session.open and session.plan.id in wanted
        cookies = self._callers.kept_cookies
        new = [RecordingSession(plan, cookies) for plan in wanted.values() if plan.id not in sessions]
        self._sessions = (*self._sessions, *new)
        if new:
            self._analysis.start()
        if any(session.open for session in self._sessions):
            note_clients()  # of libraries that were imported since, too
        self._trace()
        self._look_whether_active()

    def drain(self) -> list[Batch]:
        """The new results of each recording; call `stored` or `restore` next."""
        self._storing = time.thread_time()
        now = self._clock.time()
        batches = [session.drain(now) for session in self._sessions]
        self._look_whether_active()
        return batches

    def stored(self, batches: Iterable[Batch]) -> None:
        """These batches are stored. Finished sessions are removed."""
        done = {batch.recording for batch in batches if batch.done}
        self._sessions = tuple(session for session in self._sessions if session.plan.id not in done)
        if not self._sessions:
            self._analysis.stop()
        self._trace()
        self._budget.stored += time.thread_time() - self._storing

    def restore(self, batches: Iterable[Batch]) -> None:
        """These batches could not be stored."""
        sessions = {session.plan.id: session for session in self._sessions}
        for batch in batches:
            if batch.recording in sessions:
                sessions[batch.recording].restore(batch)
        self._budget.stored += time.thread_time() - self._storing

    def close(self) -> None:
        """Record nothing more: the process ends."""
        for session in self._sessions:
            session.open = False
        self.active = False
        self._analysis.stop()
        self._trace()

    def _trace(self) -> None:
        """Start or stop tracing lines, depending on the recordings."""
        if any(session.open and session.trace for session in self._sessions):
            line_tracer.start()
        else:
            line_tracer.stop()

    def _look_whether_active(self) -> None:
        self.active = any(session.open for session in self._sessions)
