"""The signals that a process has received, for its main loop: a handler may interrupt the loop anywhere."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from typing import Any

__all__ = ["SignalQueue"]


class SignalQueue:
    """Signals in the order in which they arrived. `wait` returns early when one arrives."""

    def __init__(self) -> None:
        self._received: list[int] = []
        self._terminal = _has_terminal()
        self._alarm, self._wake = socket.socketpair()
        for end in (self._alarm, self._wake):
            end.setblocking(False)

    @contextmanager
    def receive(self, names: Iterable[str]) -> Iterator[None]:
        """Receive these signals in this block, as far as the system has them; then close the queue."""
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {number: signal.signal(number, self.add) for number in numbers}
        if (hangup := getattr(signal, "SIGHUP", None)) and before.get(hangup) is signal.SIG_IGN:
            self._terminal = False  # nohup(1)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.close()

    def add(self, number: int, _frame: object = None) -> None:
        """Add a signal, from any thread or signal handler."""
        self._received.append(number)
        self.wake()

    def __iter__(self) -> Iterator[str]:
        """Remove and yield the names of the signals. SIGHUP is yielded as SIGTERM if the terminal was closed."""
        while self._received:
            name = signal.Signals(self._received.pop(0)).name
            closed = name == "SIGHUP" and self._terminal and not _has_terminal()
            yield "SIGTERM" if closed else name

    def wait(self, others: Iterable[Any], seconds: float) -> None:
        """Wait for a signal, for `wake`, or until one of `others` is readable, at most `seconds`."""
        wait([self._alarm, *others], seconds)
        with suppress(OSError):
            self._alarm.recv(4096)

    def wake(self) -> None:
        """End the current or next `wait`, from any thread or signal handler."""
        with suppress(OSError):
            self._wake.send(b".")

    def close(self) -> None:
        """Close the sockets by which `wake` ends `wait`."""
        self._alarm.close()
        self._wake.close()


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
