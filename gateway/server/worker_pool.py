"""The workers of a server: each at a place, where another one replaces it."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Iterator

from gateway.clock import Clock
from gateway.server.departing import DepartingWorkers
from gateway.server.worker import Order, WorkerProcess
from gateway.server.worker_log import WorkerLog
from gateway.server.worker_place import WorkerPlace

__all__ = ["WorkerPool"]


class WorkerPool:
    """Keeps `number` workers, which `start` creates; 0: this process serves by itself, until a reload.

    A worker must start within `patience` seconds. With `restarts`, one that doesn't start waits for `restart`;
    otherwise it is tried again, after increasing pauses. `departing` are workers that were replaced or removed.
    """

    def __init__(
        self,
        order: Order,
        sockets: list[socket.socket],
        number: int,
        *,
        patience: float,
        restarts: bool,
        start: Callable[[Order, list[socket.socket], Clock], WorkerProcess],
        clock: Clock,
    ) -> None:
        self._start = start
        self._clock = clock
        self._order = order
        self._sockets = sockets
        self._patience = patience
        self._restarts = restarts
        self._log = WorkerLog()
        self.departing = DepartingWorkers(order.grace, clock)
        self._places = [self._place() for _ in range(number)]
        self._single = number == 0  # this process serves, until it hands over
        self._served = self._single  # some process has served
        self._gives_up = False  # cancel the current reload if its first worker does not start

    def _place(self) -> WorkerPlace:
        return WorkerPlace(self.departing, self._log)

    def __len__(self) -> int:
        """The number of places."""
        return len(self._places)

    def __iter__(self) -> Iterator[WorkerProcess]:
        """All workers, including those that start or end."""
        for place in self._places:
            yield from place.workers
        yield from self.departing

    # -- commands ---------------------------------------------------------------------------------

    def reload(self) -> None:
        """Replace every worker, one after the other, by one that loads code and configuration anew. If the first new
        one doesn't start, the old ones stay."""
        if not self._places:
            self._places.append(self._place())  # it will replace this process
        self._log.forget()
        self._gives_up = True
        for place in self._places:
            place.replace()

    def restart(self) -> None:
        """Stop every worker, and start new ones."""
        self._log.forget()
        for place in self._places:
            place.restart()

    def add(self) -> None:
        """Add a worker."""
        self._places.append(self._place())

    def remove(self) -> None:
        """Remove a worker, unless it is the last one."""
        if len(self._places) > 1:
            self._places.pop().vacate()

    def stop(self) -> None:
        """Stop every worker."""
        for place in self._places:
            place.vacate()

    def retry(self, now: float) -> None:
        """End the pauses after failures: their cause may be gone."""
        for place in self._places:
            place.due = min(place.due, now)

    # -- ticks ------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Start, replace and kill workers where that is due."""
        for place in self._places:
            place.check_serving(now)
            if place.coming is not None:
                self._check_coming(place, place.coming, now)
            elif now >= place.due and (place.serving is None or (place.outdated and self._nobody_comes())):
                self._start_at(place, now)

    @property
    def is_hopeless(self) -> bool:
        """Whether no process has ever served, and every worker has failed to start."""
        return not self._served and not self._restarts and all(place.backoff.failures for place in self._places)

    @property
    def is_whole(self) -> bool:
        """Whether all workers serve and are up to date."""
        whole = bool(self._places) and all(place.serving and not place.outdated for place in self._places)
        if whole:
            self._log.all_serve(len(self._places))
        return whole

    def _nobody_comes(self) -> bool:
        return all(place.coming is None for place in self._places)

    def _start_at(self, place: WorkerPlace, now: float) -> None:
        try:
            place.coming = self._start(self._order, self._sockets, self._clock)
        except OSError as exc:  # out of processes, memory or file descriptors
            self._did_not_start(place, f"no process could be started: {exc}", now)

    def _check_coming(self, place: WorkerPlace, worker: WorkerProcess, now: float) -> None:
        if not worker.alive:
            self._did_not_start(place, worker.problem or f"it {worker.end}", now)
        elif worker.ready:
            place.hand_over(worker)
            self._served, self._single, self._gives_up = True, False, False
        elif now - worker.since > self._patience:
            worker.kill()
            self._did_not_start(place, f"it was not ready after {self._patience:g} seconds (--timeout-start)", now)

    def _did_not_start(self, place: WorkerPlace, problem: str, now: float) -> None:
        place.coming = None
        if place.outdated and self._gives_up:
            self._log.not_reloaded(problem)
            for other in self._places:
                other.outdated = False
            if self._single:
                self._places.clear()
            return
        place.failed(now)
        again = f"in {place.due - now:g} seconds, then less and less often" if self._served else None
        if self._restarts:
            place.due, again = math.inf, "with the next change"
        missing = place.serving is None and not self._restarts
        self._log.did_not_start(problem, again, missing=missing)
