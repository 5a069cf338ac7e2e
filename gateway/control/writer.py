"""Stores what this process counted and found, in batches, and judges its routes."""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from gateway.clock import Clock
from gateway.control.keeper import Keeper
from gateway.control.models import Worker
from gateway.control.retention import retain
from gateway.control.store import write_counts, write_found, write_worker
from gateway.observability.counters import SLOT, Counters, Mirrored, Taken, Tally
from gateway.parity.report import Report

__all__ = ["Writer"]

logger = logging.getLogger("gateway.control")
SIGN = 10.0  # seconds between two signs of life, while there is nothing else to write
RETAIN = 600.0  # seconds between two clearances, on average
AWAY = (OperationalError, InterfaceError, ProgrammingError)  # what may be over next time


class Writer:
    """Writes for `worker`, whose row says what could not be stored."""

    def __init__(
        self,
        worker: Worker,
        counters: Counters,
        report: Report,
        keeper: Keeper,
        revision: Callable[[], int],
        clock: Clock,
    ) -> None:
        self._worker = worker
        self._counters = counters
        self._report = report
        self._keeper = keeper
        self._revision = revision
        self._clock = clock
        self._tallies: Mapping[tuple[str, str, int], Tally] = {}  # as they are stored
        self._mirrored: Mapping[tuple[str, int], Mirrored] = {}
        self._signed = ""
        self._sign_at = 0.0
        self._retain_at = clock.monotonic() + random.uniform(0, RETAIN)  # noqa: S311 - workers take turns

    def work(self) -> None:
        """Store, judge, clear away. Raises what the database raises; what was not stored is tried again."""
        self._store()
        self._keeper.look()
        now = self._clock.monotonic()
        if now >= self._retain_at:
            self._retain_at = now + random.uniform(0.5, 1.5) * RETAIN  # noqa: S311
            retain(self._now())

    def last(self) -> None:
        """Store for the last time, and say what could not be."""
        try:
            self._store()
        except Exception as exc:  # noqa: BLE001 - the process ends; all there is left to do is to say what is lost
            requests = sum(tally.requests for tally in self._counters.take().tallies.values())
            requests -= sum(tally.requests for tally in self._tallies.values())
            differences = sum(found.count for found in self._report.take().groups)
            if requests or differences:
                logger.warning("lost what was counted: %d requests, %d differences (%s)", requests, differences, exc)

    def _store(self) -> None:
        self._store_counts()
        self._store_found()
        self._sign()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)

    # -- counts ------------------------------------------------------------------------------

    def _store_counts(self) -> None:
        # A slot is forgotten once it was over for as long as it lasted: by then nobody was still counting in it.
        over = self._clock.time() - SLOT
        taken = self._counters.take()
        self._worker.lost_requests = taken.lost
        tallies = {key: tally for key, tally in taken.tallies.items() if self._tallies.get(key) != tally}
        mirrored = {key: seen for key, seen in taken.mirrored.items() if self._mirrored.get(key) != seen}
        if tallies or mirrored:
            write_counts(self._worker.id, tallies, mirrored, self._added(mirrored))
        self._remember(taken)
        self._counters.forget(over)

    def _added(self, mirrored: Mapping[tuple[str, int], Mirrored]) -> dict[str, tuple[int, int]]:
        """How many comparisons and controls of each route are new."""
        added: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for key, seen in mirrored.items():
            stored = self._mirrored.get(key, Mirrored())
            compared, controls = added[key[0]]
            added[key[0]] = compared + seen.compared - stored.compared, controls + seen.controls - stored.controls
        return {route: new for route, new in added.items() if any(new)}

    def _remember(self, taken: Taken) -> None:
        self._tallies, self._mirrored = taken.tallies, taken.mirrored

    # -- differences -------------------------------------------------------------------------

    def _store_found(self) -> None:
        taken = self._report.take()
        lost = taken.beyond
        try:
            write_found(taken.groups, taken.matches, self._now())
        except AWAY:
            self._report.put_back(taken)
            raise
        except (DatabaseError, ValueError):  # it would fail again, and nothing else would ever be stored
            logger.exception("differences could not be stored")
            lost += sum(found.count for found in taken.groups)
        self._worker.lost_differences += lost

    # -- the worker's row --------------------------------------------------------------------

    def _sign(self) -> None:
        """Write the worker's row when it says something new, and now and then."""
        worker, now = self._worker, self._clock.monotonic()
        worker.revision = self._revision()
        signed = f"{worker.revision} {worker.lost_requests} {worker.lost_differences}"
        if signed == self._signed and now < self._sign_at:
            return
        worker.seen = self._now()
        write_worker(worker)
        self._signed, self._sign_at = signed, now + SIGN
