"""The process that makes the mirrors of a server: started, restarted, and ended with it."""

from __future__ import annotations

import contextlib
import logging
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.clock import SYSTEM, Clock
from gateway.server.backoff import SETTLED, Backoff

if TYPE_CHECKING:
    from gateway.config.parse import Config

__all__ = ["MirrorProcess"]

logger = logging.getLogger("uvicorn.error")

ENDS = 5.0  # seconds for it to end by itself


class MirrorProcess:
    """`gateway mirrors` for one server and all its workers, which connect to `socket`.

    It reads the same configuration, at `path`, and ends with the server, however that ends: it reads from a pipe whose
    other end only the server has. If it dies it is started again, after increasing pauses.
    """

    def __init__(self, path: Path, log_level: str, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._folder = Path(tempfile.mkdtemp(prefix="gateway-"))  # accessible to its owner only
        self.socket = self._folder / "mirrors.sock"
        self._command = [sys.executable, "-m", "gateway", "mirrors", "--config", str(path)]
        self._command += ["--for-server", str(self.socket), "--log-level", log_level]
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # guards the process between start and stop
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="gateway-mirror-process", daemon=True)

    @classmethod
    def wanted(cls, config: Config, path: Path, log_level: str) -> MirrorProcess | None:
        """A process, not started yet, if the configuration wants one and the system has Unix sockets and SIGHUP."""
        possible = hasattr(socket, "AF_UNIX") and hasattr(signal, "SIGHUP")
        return cls(path, log_level) if config.mirrors_apart and possible else None

    def start(self) -> None:
        """Start it, and restart it when it dies."""
        self._thread.start()

    def reload(self) -> None:
        """Have it reload code and configuration. An invalid configuration has no effect."""
        with self._lock, contextlib.suppress(OSError):
            if self._process is not None:
                self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop it, and wait for its end."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(ENDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.is_alive():
            self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _keep(self) -> None:
        backoff = Backoff()
        while (process := self._started()) is not None:
            began = self._clock.monotonic()
            with process:  # whose pipe is closed then
                status = process.wait()
            if self._stopping.is_set():
                return
            if self._clock.monotonic() - began >= SETTLED:
                backoff.reset()
            pause = backoff.fail()
            logger.error("The process that mirrors ended with status %d; it is started again in %g s", status, pause)
            self._stopping.wait(pause)

    def _started(self) -> subprocess.Popen[bytes] | None:
        """A new process; None once `stop` was called."""
        backoff = Backoff()
        while not self._stopping.is_set():
            with self._lock:
                if self._stopping.is_set():
                    return None
                try:
                    # In a session of its own, so that signals of the server's terminal don't reach it.
                    self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - this program itself
                except OSError as exc:  # out of processes or memory
                    logger.error("The process that mirrors can't be started: %s", exc)  # noqa: TRY400 - no traceback for the machine's state
                else:
                    return self._process
            self._stopping.wait(backoff.fail())
        return None
