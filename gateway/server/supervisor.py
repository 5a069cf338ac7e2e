"""The supervisor: starts the processes that serve, and restarts them.

A worker that dies is replaced without affecting the others, after increasing pauses while that fails. On a reload, an
old worker stops only when its replacement serves.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from signal import SIGTERM

from gateway.clock import SYSTEM, Clock
from gateway.server.listening import SocketPath, refuse_new
from gateway.server.mirror_process import MirrorProcess
from gateway.server.signals import SignalQueue
from gateway.server.terminal import STARTUP_FAILURE
from gateway.server.worker import Order, WorkerProcess
from gateway.server.worker_pool import WorkerPool

__all__ = ["Supervisor"]

logger = logging.getLogger("uvicorn.error")

TURN = 0.25  # seconds between two checks of what sends no events


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
        self._clock = clock
        self._config = order.path
        self._sockets = sockets
        self._restarts = restarts
        self._changes = changes
        self._socket_path = socket_path
        self._mirrors = mirrors
        self._pool = WorkerPool(order, sockets, number, patience=patience, restarts=restarts, start=start, clock=clock)
        self._failed = False  # no process has ever served, and none will
        self._read = _stamp(order.path)
        self._asked = 0  # number of requests to stop
        self._signals = SignalQueue()

    def handlers(self) -> AbstractContextManager[None]:
        """Handle signals in this block: SIGHUP reloads, SIGTTIN and SIGTTOU (if there are workers) add and remove a
        worker, SIGTERM and SIGINT stop."""
        names = ["SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"] + ["SIGTTIN", "SIGTTOU"] * bool(len(self._pool))
        return self._signals.receive(names)

    def close(self) -> None:
        """Close what wakes `run`."""
        self._signals.close()

    def run(self) -> int:
        """Supervise the workers until a signal ends them; returns the exit status."""
        while not self._asked or self._pool.departing:
            self._signals.wait([one for worker in self._pool for one in worker.waitables], TURN)
            self.tick()
        return STARTUP_FAILURE if self._failed else 0

    # -- commands ---------------------------------------------------------------------------------

    def reload(self) -> None:
        """Replace every worker, one after the other, by one that loads code and configuration anew."""
        if self._asked:
            return
        logger.info("Reloading")
        if self._mirrors is not None:
            self._mirrors.reload()
        self._pool.reload()

    def restart(self) -> None:
        """Restart every worker, for a developer: new connections wait for the new worker."""
        if self._asked:
            return
        logger.info("Reloading")
        self._pool.restart()

    def ask_to_stop(self) -> None:
        """Stop at the next `tick`. Safe in a signal handler, which may have interrupted a tick."""
        self._signals.add(SIGTERM)

    def stop(self) -> None:
        """Stop listening, and then every worker. A second call stops them at once, and a third kills them."""
        self._asked += 1
        if self._asked == 1:
            refuse_new(self._sockets)
            if self._socket_path is not None:
                self._socket_path.leave()
            for sock in self._sockets:
                sock.close()
            self._pool.stop()
        else:
            self._pool.departing.hurry()
        if self._asked > 2:
            self._pool.departing.give_up()
        self.wake()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._asked > 0

    def wake(self) -> None:
        """Wake `run`, from any thread or signal handler."""
        self._signals.wake()

    # -- ticks ------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Do what is due. Returns whether all workers serve and are up to date."""
        for name in self._signals:
            self._obey(name)
        now = self._clock.monotonic()
        self._pool.departing.tick(now)
        if self._asked:
            return False
        if any(self._changes()) or any(worker.changed for worker in self._pool):
            self.restart()
        if (stamp := _stamp(self._config)) != self._read:  # it may be fixed now
            self._read = stamp
            self._pool.retry(now)
        self._pool.tick(now)
        if self._pool.is_hopeless:
            self._failed = True
            self.stop()
        return self._pool.is_whole

    def _obey(self, name: str) -> None:
        match name:
            case "SIGHUP" if self._restarts:
                self.restart()
            case "SIGHUP":
                self.reload()
            case "SIGTTIN":
                self._pool.add()
            case "SIGTTOU":
                self._pool.remove()
            case _:
                self.stop()


def _stamp(path: Path) -> tuple[int, int]:
    """Identifies the version of a file: its modification time and size."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
