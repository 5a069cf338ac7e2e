"""One worker process: how it is started, its messages, how it ends.

The supervisor starts it, with a pipe between the two. The worker sends READY, or the problem that prevented its start,
and answers each PING. When the supervisor ends, for whatever reason, the worker ends too.
"""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection  # makes sockets and pipes picklable
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.server.terminal import STARTUP_FAILURE
from gateway.server.uvicorn import Server, ServerConfig

__all__ = ["Order", "WorkerProcess"]

PING, STOP, NOW = "ping", "stop", "now"  # messages of the supervisor
ALIVE, READY, CHANGED, LEAVES = "alive", "ready", "changed", "leaves"  # messages of the worker, besides its problem
PING_EVERY = 5.0  # seconds

_spawn = multiprocessing.get_context("spawn")  # the supervisor has threads, which a fork would lose


@dataclass(frozen=True, slots=True)
class Order:
    """Parameters of all workers. `options` are uvicorn's; with `watch`, files that Django watches are watched.
    `mirrors` is the socket of the process for mirrors, if the server has started one."""

    path: Path
    access: bool
    grace: float
    options: Mapping[str, Any]
    watch: bool = False
    mirrors: Path | None = None


class WorkerProcess:
    """One worker, as the supervisor sees it. Creating it starts the process."""

    def __init__(self, order: Order, sockets: list[socket.socket], clock: Clock) -> None:
        self._clock = clock
        self.since = self._asked = self._answered = clock.monotonic()
        self.ready = False
        self.problem = ""  # why it did not start, once reported
        self.changed = False  # a file has changed that requires a restart
        self.leaves = False  # it has stopped listening
        self._pipe, theirs = _spawn.Pipe()
        self.process = _spawn.Process(target=work, args=(order, sockets, theirs), name="gateway-worker")
        self.process.start()
        theirs.close()

    def __repr__(self) -> str:
        return f"worker {self.process.pid}"

    @property
    def waitables(self) -> list[Any]:
        """Objects that become readable when there is something to handle."""
        return [self.process.sentinel] if self._pipe.closed else [self.process.sentinel, self._pipe]

    @property
    def alive(self) -> bool:
        """Whether the process runs. Reads its messages first."""
        self._listen()
        return self.process.exitcode is None

    def silence(self, now: float) -> float:
        """How long a PING is unanswered, in seconds; a process that hangs doesn't answer."""
        if self._asked > self._answered:
            return now - self._asked
        if now - self._asked >= PING_EVERY and not self._pipe.closed:
            self._asked = now
            self._say(PING)
        return 0.0

    def terminate(self) -> None:
        """Ask it to finish its requests, and end."""
        # It may have got a signal already, with the whole process group, and a second one means "at once".
        if not (self.ready and self._say(STOP)):
            self.process.terminate()

    def hurry(self) -> None:
        """Ask it to end at once."""
        if not (self.ready and self._say(NOW)):
            self.process.kill()

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.join()

    @property
    def end(self) -> str:
        """How it ended, in words."""
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"ended with status {code}"
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"

    def _say(self, word: str) -> bool:
        with suppress(OSError):
            self._pipe.send(word)
            return True
        return False

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while not self._pipe.closed and self._pipe.poll():
                self._hear(self._pipe.recv())
            return
        self._pipe.close()

    def _hear(self, word: str) -> None:
        if word == ALIVE:
            self._answered = max(self._asked, self._clock.monotonic())
        elif word == READY:
            self.ready, self.since = True, self._clock.monotonic()
        elif word == CHANGED:
            self.changed = True
        elif word == LEAVES:
            self.leaves = True
        else:
            self.problem = word


# -- in the worker ------------------------------------------------------------------------------------


def work(order: Order, sockets: list[socket.socket], pipe: Connection) -> None:
    """Run in the worker process: serve. Exits with status 3 when nothing could be served."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the server handles it: no traceback
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: None)  # for the supervisor; the whole process group gets it
    boss, problems = _Boss(pipe), _Problems()
    try:
        _server(order, boss, problems).run(sockets)
    except SystemExit as exc:
        if exc.code:
            boss.say("\n".join(problems.found) or f"its code ended it with status {exc.code}")
        raise
    except Exception:  # noqa: BLE001 - in the project's own code, most likely; the supervisor says it
        boss.say(traceback.format_exc().rstrip())
        raise SystemExit(STARTUP_FAILURE) from None


def _server(order: Order, boss: _Boss, problems: _Problems) -> Server:
    from gateway.app import Gateway
    from gateway.config.problems import ConfigError

    try:
        gateway = Gateway.from_file(order.path)
    except ConfigError as exc:
        problems.found.append(str(exc))
        raise SystemExit(STARTUP_FAILURE) from None
    if order.mirrors is not None:
        gateway.mirroring.have_mirrored_at(order.mirrors)
    server = Server(ServerConfig(gateway, access=order.access, **order.options), gateway, order.grace)

    def started() -> None:
        problems.over()
        boss.say(READY)

    server.on_started, server.on_leaving = started, lambda: boss.say(LEAVES)
    threading.Thread(target=boss.obey, args=(server,), name="gateway-boss", daemon=True).start()
    if order.watch:
        from gateway.server.watch import watch_for_django

        with suppress(OSError, ValueError):
            sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for breakpoint(); multiprocessing has closed it
        watch_for_django(gateway, order.path, lambda: boss.say(CHANGED))
    return server


class _Boss:
    """The supervisor, as a worker sees it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def say(self, word: str) -> None:
        """Send it a message; no effect if it has ended."""
        with self._lock, suppress(OSError):
            self._pipe.send(word)

    def obey(self, server: Server) -> None:
        """Obey its messages until it ends; then stop."""
        with suppress(EOFError, OSError):
            while True:
                word = self._pipe.recv()
                if word == PING:
                    self.say(ALIVE)
                elif word == STOP:
                    server.stop()
                else:
                    server.hurry()
        server.stop()


class _Problems(logging.Filter):
    """Holds back errors until the server has started: the supervisor logs each problem once."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._loggers = [logging.getLogger(name) for name in ("gateway", "uvicorn.error")]
        for log in self._loggers:
            log.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log the record here."""
        if record.levelno < logging.ERROR:
            return True
        if record.name == "gateway" or not self.found:  # uvicorn repeats it
            self.found.append(logging.Formatter().format(record))
        return False

    def over(self) -> None:
        """From now on everything is logged."""
        for log in self._loggers:
            log.removeFilter(self)
