"""The console script in a process of its own."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.server import environment

GATEWAY = str(Path(sys.executable).with_name("gateway"))
PATIENCE = 90.0  # seconds; only a failing test waits that long


def run(folder: Path, *arguments: str, stdout: int = subprocess.PIPE, **variables: str) -> Any:
    """`gateway …` in `folder`. The result has `returncode`, `stdout` and `stderr`."""
    return subprocess.run(
        [GATEWAY, *arguments],
        cwd=folder,
        env=environment(**variables),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )


class Running:
    """`gateway …` in `folder`, for as long as it runs. `log` is what it has written so far."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self._process = subprocess.Popen(
            [GATEWAY, *arguments],
            cwd=folder,
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)

    @property
    def log(self) -> str:
        return "".join(self._lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until `text` was written."""
        deadline = time.monotonic() + PATIENCE
        while self.log.count(text) < times:
            assert self._process.poll() is None, f"it ended:\n{self.log}"
            assert time.monotonic() < deadline, f"no {text!r}:\n{self.log}"
            time.sleep(0.02)

    def wait(self) -> int:
        """The exit status, once it has ended."""
        status = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()


class Serving(Running):
    """`gateway serve` in `folder`, on a free port."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        super().__init__(folder, "serve", "--port", "0", *arguments, **variables)
        self.wait_for("Application startup complete")
        self.url = (re.findall(r"http://[\d.:]+", self.log) or [""])[0]
        if self.url:
            self._wait_until_it_listens()

    def _wait_until_it_listens(self) -> None:
        """A worker says that its application has started a moment before it listens."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, f"{self.url} refuses connections:\n{self.log}"
                time.sleep(0.02)
            else:
                return

    def get(self, path: str) -> tuple[int, dict[str, str]]:
        """The status and the headers (in lower case) of one answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as response:
                return response.status, {name.lower(): value for name, value in response.getheaders()}
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, {name.lower(): value for name, value in exc.headers.items()}
