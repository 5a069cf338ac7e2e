"""The supervisor: starts the processes that serve, and restarts them.

A worker that dies is replaced without affecting the others, after increasing pauses while that fails. On a reload, an
old worker stops only when its replacement serves.
"""

from __future__ import annotations

import logging
import math
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from pathlib import Path

from gateway.clock import SYSTEM, Clock
from gateway.server.backoff import SETTLED, Backoff
from gateway.server.listening import SocketPath, refuse_new
from gateway.server.mirror_process import MirrorProcess
from gateway.server.terminal import STARTUP_FAILURE
from gateway.server.uvicorn import LAST_WORK, LINGER, MARGIN
from gateway.server.worker import Order, WorkerProcess

__all__ = ["Supervisor"]

logger = logging.getLogger("uvicorn.error")

# Seconds.
HANGS = 30.0  # a process that doesn't answer for this long is killed
TURN = 0.25  # between two checks of what sends no events
_ADDRESS = re.compile(r"0x[0-9a-f]+")


class WorkerPlace:
    """The place of one worker: the one that serves, and its replacement while it starts."""

    def __init__(self) -> None:
        self.serving: WorkerProcess | None = None
        self.coming: WorkerProcess | None = None
        self.backoff = Backoff()
        self.due = 0.0  # when to start another one, if none serves or it is `outdated`
        self.outdated = False  # the serving worker is to be replaced

    def failed(self, now: float) -> None:
        """Delay the next attempt, longer each time."""
        self.due = now + self.backoff.fail()


class Supervisor:
    """Keeps `number` workers on `sockets`, which it owns.

    A worker must start within `patience` seconds. With `restarts`, for developers, all workers are restarted when
    `changes` names a file, and one that doesn't start waits for the next change. `socket_path` is removed when no
    process listens any more, and `mirrors` is reloaded when the workers are.

    `tick` does what is due, without blocking; `run` waits between two ticks. Without workers, the process serves by
    itself and calls `tick` regularly, and `run` at the end, since a worker may have replaced it.
    """

    def __init__(
        self,
        order: Order,
        sockets: list[socket.socket],
        number: int,
        *,
        patience: float,
        restarts: bool = False,
        changes: Callable[[], list[Path]] = list,
        socket_path: SocketPath | None = None,
        start: Callable[[Order, list[socket.socket], Clock], WorkerProcess] = WorkerProcess,
        clock: Clock = SYSTEM,
        mirrors: MirrorProcess | None = None,
    ) -> None:
        self._start = start
        self._clock = clock
        self._order = order
        self._sockets = sockets
        self._patience = patience
        self._restarts = restarts
        self._changes = changes
        self._socket_path = socket_path
        self._mirrors = mirrors
        self._places = [WorkerPlace() for _ in range(number)]
        self._leaving: list[tuple[WorkerProcess, float]] = []  # with the time when they are killed
        self._single = number == 0  # this process serves, until it hands over
        self._served = self._single  # some process has served
        self._hopeless = False  # none ever will
        self._terminal = _has_terminal()
        self._gives_up = False  # cancel the current reload if its first worker does not start
        self._told = ""  # the last problem that was logged
        self._down = False  # it was logged that a worker is missing
        self._read = _stamp(order.path)
        self._asked = 0  # number of requests to stop
        self._signals: list[int] = []
        self._alarm, self._wake = socket.socketpair()
        for end in (self._alarm, self._wake):
            end.setblocking(False)

    @contextmanager
    def handlers(self) -> Iterator[None]:
        """Handle signals in this block: SIGHUP reloads, SIGTTIN and SIGTTOU (if there are workers) add and remove a
        worker, SIGTERM and SIGINT stop."""
        names = ["SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"] + ["SIGTTIN", "SIGTTOU"] * bool(self._places)
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {number: signal.signal(number, self._note) for number in numbers}
        if (hangup := getattr(signal, "SIGHUP", None)) and before[hangup] is signal.SIG_IGN:
            self._terminal = False  # nohup(1)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.close()

    def close(self) -> None:
        """Close the pipe that wakes `run`."""
        self._alarm.close()
        self._wake.close()

    def run(self) -> int:
        """Supervise the workers until a signal ends them; returns the exit status."""
        while not self._asked or self._leaving:
            wait([self._alarm, *(one for worker in self._workers() for one in worker.waitables)], TURN)
            with suppress(OSError):
                self._alarm.recv(4096)
            self.tick()
        return STARTUP_FAILURE if self._hopeless else 0

    # -- commands ---------------------------------------------------------------------------------

    def reload(self) -> None:
        """Replace every worker, one after the other, by one that loads code and configuration anew."""
        if self._asked:
            return
        logger.info("Reloading")
        if not self._places:
            self._places.append(WorkerPlace())  # it will replace this process
        self._told, self._gives_up = "", True
        if self._mirrors is not None:
            self._mirrors.reload()
        for place in self._places:
            place.outdated, place.due = True, 0.0
            self._leave(place.coming)  # it may have loaded the old ones
            place.coming = None

    def restart(self) -> None:
        """Restart every worker, for a developer: new connections wait for the new worker."""
        if self._asked:
            return
        logger.info("Reloading")
        self._told = ""
        for place in self._places:
            self._vacate(place)
            place.backoff.reset()
            place.due = 0.0

    def ask_to_stop(self) -> None:
        """Stop at the next `tick`. Safe in a signal handler, which may have interrupted a tick."""
        self._note(signal.SIGTERM)

    def stop(self) -> None:
        """Stop listening, and then every worker. A second call stops at once."""
        self._asked += 1
        if self._asked == 1:
            refuse_new(self._sockets)
            if self._socket_path is not None:
                self._socket_path.leave()
            for sock in self._sockets:
                sock.close()
            for place in self._places:
                self._vacate(place)
        else:
            for worker, _ in self._leaving:
                worker.hurry()
            self._leaving = [(worker, self._clock.monotonic() + LAST_WORK + MARGIN) for worker, _ in self._leaving]
        if self._asked > 2:
            self._leaving = [(worker, 0.0) for worker, _ in self._leaving]
        self.wake()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._asked > 0

    def wake(self) -> None:
        """Wake `run`, from any thread or signal handler."""
        with suppress(OSError):
            self._wake.send(b".")

    # -- ticks ------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Do what is due. Returns whether all workers serve and are up to date."""
        while self._signals:
            self._obey(self._signals.pop(0))
        now = self._clock.monotonic()
        self._let_go(now)
        if self._asked:
            return False
        if any(self._changes()) or any(worker.changed for worker in self._workers()):
            self.restart()
        if (stamp := _stamp(self._order.path)) != self._read:  # it may be fixed now
            self._read = stamp
            for place in self._places:
                place.due = min(place.due, now)
        for place in self._places:
            self._look_after(place, now)
        if not self._served and not self._restarts and all(place.backoff.failures for place in self._places):
            self._hopeless = True
            self.stop()
        return self._whole()

    def _whole(self) -> bool:
        whole = bool(self._places) and all(place.serving and not place.outdated for place in self._places)
        if whole and self._down:
            self._told, self._down = "", False
            logger.info("All %d workers serve again", len(self._places))
        return whole

    def _look_after(self, place: WorkerPlace, now: float) -> None:
        if place.serving is not None:
            self._look_at_serving(place, place.serving, now)
        if place.coming is not None:
            self._look_at_coming(place, place.coming, now)
        elif now >= place.due and (place.serving is None or (place.outdated and self._nobody_comes())):
            try:
                place.coming = self._start(self._order, self._sockets, self._clock)
            except OSError as exc:  # out of processes, memory or file descriptors
                self._did_not_start(place, f"no process could be started: {exc}", now)

    def _nobody_comes(self) -> bool:
        return all(place.coming is None for place in self._places)

    def _look_at_serving(self, place: WorkerPlace, worker: WorkerProcess, now: float) -> None:
        hangs = worker.silence(now) > HANGS
        if hangs:
            worker.kill()
        if worker.alive and not worker.leaves:
            return
        place.serving, place.due = None, now
        if worker.alive:  # a signal was sent to it directly
            logger.info("%r was told to stop; another one takes its place", worker)
            self._leave(worker)
            return
        logger.error("%r %s", worker, f"did not answer for {HANGS:g} seconds" if hangs else worker.end)
        self._down = True
        if now - worker.since < SETTLED:
            place.failed(now)
        else:
            place.backoff.reset()

    def _look_at_coming(self, place: WorkerPlace, worker: WorkerProcess, now: float) -> None:
        if not worker.alive:
            self._did_not_start(place, worker.problem or f"it {worker.end}", now)
        elif worker.ready:
            self._leave(place.serving)
            place.serving, place.coming, place.outdated = worker, None, False
            self._served, self._gives_up = True, False
        elif now - worker.since > self._patience:
            worker.kill()
            self._did_not_start(place, f"it was not ready after {self._patience:g} seconds (--timeout-start)", now)

    def _did_not_start(self, place: WorkerPlace, problem: str, now: float) -> None:
        place.coming = None
        if place.outdated and self._gives_up:
            logger.error("Not reloaded; everything goes on as it was: %s", problem)
            for other in self._places:
                other.outdated = False
            if self._single:
                self._places.clear()
            return
        place.failed(now)
        if self._restarts:
            place.due = math.inf
        elif place.serving is None:
            self._down = True
        if (same := _ADDRESS.sub("", problem)) != self._told:
            self._told = same
            after = (
                "with the next change"
                if self._restarts
                else f"in {place.due - now:g} seconds, then less and less often"
            )
            again = f"; tried again {after}" if self._served or self._restarts else ""
            logger.error("A worker did not start%s: %s", again, problem)

    def _leave(self, worker: WorkerProcess | None) -> None:
        """Let `worker` finish its requests, and end."""
        if worker is not None:
            worker.terminate()
            self._leaving.append(
                (worker, self._clock.monotonic() + self._order.grace + LINGER + LAST_WORK + 2 * MARGIN)
            )

    def _vacate(self, place: WorkerPlace) -> None:
        self._leave(place.serving)
        self._leave(place.coming)
        place.serving = place.coming = None

    def _let_go(self, now: float) -> None:
        for worker, until in self._leaving:
            if now > until:
                logger.error("%r did not end and is killed", worker)
                worker.kill()
        self._leaving = [(worker, until) for worker, until in self._leaving if worker.alive]

    def _workers(self) -> list[WorkerProcess]:
        """All workers, including those that start or end."""
        found = [worker for place in self._places for worker in (place.serving, place.coming) if worker is not None]
        return found + [worker for worker, _ in self._leaving]

    # -- signals ----------------------------------------------------------------------------------

    def _note(self, number: int, _: object = None) -> None:
        self._signals.append(number)
        self.wake()

    def _obey(self, number: int) -> None:
        match signal.Signals(number).name:
            case "SIGHUP" if self._terminal and not _has_terminal():
                self.stop()  # the terminal was closed
            case "SIGHUP" if self._restarts:
                self.restart()
            case "SIGHUP":
                self.reload()
            case "SIGTTIN":
                self._places.append(WorkerPlace())
            case "SIGTTOU" if len(self._places) > 1:
                self._vacate(self._places.pop())
            case "SIGTTOU":
                pass
            case _:
                self.stop()


def _stamp(path: Path) -> tuple[int, int]:
    """Identifies the version of a file: its modification time and size."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
