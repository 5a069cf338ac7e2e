"""Stores what this process counted and found, in batches, and runs the guard."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from gateway.clock import Clock, utc_now
from gateway.config.routes import RouteConfig
from gateway.control.endpoint_days import EndpointWriter
from gateway.control.guarding import GuardLoop
from gateway.control.hooks.watching import BreakerWatch, tell_of_difference
from gateway.control.models import DifferenceGroup, RouteDifferences, Worker
from gateway.control.recordings import write_batches
from gateway.control.retention import retain
from gateway.control.store import Origin, write_counts, write_found, write_worker
from gateway.mirroring.difference_log import DifferenceLog
from gateway.randomness import Randomness
from gateway.recording.recordings import Recordings
from gateway.rollout.breaker import CircuitBreaker
from gateway.stats.counters import Counters, Counts
from gateway.stats.tally import COUNTER_WINDOW, Mirrored, Tally

__all__ = ["Writer"]

logger = logging.getLogger("gateway.control")
SIGN = 10.0  # seconds between two heartbeats, when there is nothing else to write
RETAIN = 600.0  # seconds between two deletions of old rows, on average
AWAY = (OperationalError, InterfaceError, ProgrammingError)  # errors that may be over next time


class Writer:
    """Writes for `worker`, whose row says what could not be stored. Its counts belong to `origin`. Hooks of `routes`
    are told of what it notices."""

    def __init__(
        self,
        worker: Worker,
        origin: Origin,
        counters: Counters,
        difference_log: DifferenceLog,
        guard_loop: GuardLoop,
        revision: Callable[[], int],
        clock: Clock,
        breakers: Mapping[str, CircuitBreaker],
        randomness: Randomness,
        recordings: Recordings,
        routes: Mapping[str, RouteConfig],
    ) -> None:
        self._worker = worker
        self._breakers = breakers
        self._recordings = recordings
        self._origin = origin
        self._counters = counters
        self._difference_log = difference_log
        self._guard_loop = guard_loop
        self._revision = revision
        self._clock = clock
        self._randomness = randomness
        self._routes = routes
        self._breaker_watch = BreakerWatch(routes, breakers, worker, clock)
        self._tallies: Mapping[tuple[str, str, int], Tally] = {}  # as stored
        self._mirrored: Mapping[tuple[str, int], Mirrored] = {}
        self._endpoints = EndpointWriter(worker.id, counters.traffic, clock)
        self._signed = ""
        self._sign_at = 0.0
        self._retain_at = clock.monotonic() + randomness.random() * RETAIN  # random, so that workers take turns

    def work(self) -> None:
        """Store, judge, delete old rows. Raises what the database raises; what was not stored is tried again."""
        self._store()
        self._guard_loop.look()
        self._breaker_watch.look()
        moment = self._clock.monotonic()
        if moment >= self._retain_at:
            self._retain_at = moment + (0.5 + self._randomness.random()) * RETAIN
            retain(self._now())

    def last(self) -> None:
        """Store for the last time, and log what could not be stored."""
        try:
            self._store()
            self._endpoints.write(now=True)
        except Exception as exc:  # noqa: BLE001 - the process ends; all there is left to do is to say what is lost
            requests = sum(tally.requests for tally in self._counters.take().tallies.values())
            requests -= sum(tally.requests for tally in self._tallies.values())
            differences = sum(found.count for found in self._difference_log.drain().groups)
            if requests or differences:
                logger.warning("lost what was counted: %d requests, %d differences (%s)", requests, differences, exc)

    def _store(self) -> None:
        self._store_counts()
        self._store_found()
        self._endpoints.write()
        self._store_samples()
        self._sign()

    def _now(self) -> datetime:
        return utc_now(self._clock)

    # -- counts ------------------------------------------------------------------------------

    def _store_counts(self) -> None:
        # A window is forgotten when it has been over for its own length: by then no request is counted in it any more.
        over = self._clock.time() - COUNTER_WINDOW
        taken = self._counters.take()
        self._worker.lost_requests = taken.lost
        tallies = {key: tally for key, tally in taken.tallies.items() if self._tallies.get(key) != tally}
        mirrored = {key: seen for key, seen in taken.mirrored.items() if self._mirrored.get(key) != seen}
        if tallies or mirrored:
            write_counts(self._worker.id, tallies, mirrored, self._added(mirrored), self._origin)
        self._remember(taken)
        self._counters.forget(over)

    def _added(self, mirrored: Mapping[tuple[str, int], Mirrored]) -> dict[str, tuple[int, int]]:
        """The number of new comparisons and controls of each route."""
        added: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for key, seen in mirrored.items():
            stored = self._mirrored.get(key, Mirrored())
            compared, controls = added[key[0]]
            added[key[0]] = compared + seen.compared - stored.compared, controls + seen.controls - stored.controls
        return {route: new for route, new in added.items() if any(new)}

    def _remember(self, taken: Counts) -> None:
        self._tallies, self._mirrored = taken.tallies, taken.mirrored

    # -- differences -------------------------------------------------------------------------

    def _store_found(self) -> None:
        drained = self._difference_log.drain()
        lost = drained.beyond
        try:
            write_found(drained.groups, drained.matches, self._now(), self._origin, self._noticed)
        except AWAY:
            self._difference_log.restore(drained)
            raise
        except (DatabaseError, ValueError):  # it would fail again, and block everything else
            logger.exception("differences could not be stored")
            lost += sum(found.count for found in drained.groups)
        self._worker.lost_differences += lost

    def _noticed(self, totals: RouteDifferences, groups: Sequence[DifferenceGroup]) -> None:
        if (route := self._routes.get(totals.route)) is not None:
            tell_of_difference(route, totals, groups, self._now())

    # -- recordings --------------------------------------------------------------------------

    def _store_samples(self) -> None:
        batches = self._recordings.drain()
        try:
            write_batches(self._worker.id, batches, self._now())
        except AWAY:
            self._recordings.restore(batches)
            raise
        except (DatabaseError, ValueError):  # as above
            logger.exception("what was recorded could not be stored")
        self._recordings.stored(batches)

    # -- the worker's row --------------------------------------------------------------------

    def _sign(self) -> None:
        """Write the worker's row when it has changed, or a heartbeat is due."""
        worker, moment = self._worker, self._clock.monotonic()
        worker.revision = self._revision()
        causes = {name: breaker.cause for name, breaker in self._breakers.items()}
        worker.resting = {name: cause for name, cause in causes.items() if cause is not None}
        worker.refused = self._counters.refused.copy()
        signed = f"{worker.revision} {worker.lost_requests} {worker.lost_differences} {worker.resting} {worker.refused}"
        if signed == self._signed and moment < self._sign_at:
            return
        worker.seen = self._now()
        write_worker(worker)
        self._signed, self._sign_at = signed, moment + SIGN
