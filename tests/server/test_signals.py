"""Signals are taken in the order in which they came, and one of a closed terminal is the end."""

from __future__ import annotations

import signal

import pytest

from gateway.server import signals
from gateway.server.signals import SignalQueue

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal")


@pytest.fixture
def terminal(monkeypatch):
    """Whether there is one, now and later."""
    there = [True]
    monkeypatch.setattr(signals, "_has_terminal", lambda: there[0])
    return there


@pytest.fixture
def before():
    """What SIGHUP did before a server starts."""
    kept = signal.getsignal(signal.SIGHUP)
    yield lambda handler: signal.signal(signal.SIGHUP, handler)
    signal.signal(signal.SIGHUP, kept)


@pytest.mark.parametrize(
    ("handler", "closed", "name"),
    [
        (signal.SIG_DFL, False, "SIGHUP"),  # an operator reloads
        (signal.SIG_DFL, True, "SIGTERM"),
        (signal.SIG_IGN, True, "SIGHUP"),  # started by nohup(1): whoever sends it means a reload
    ],
)
def test_a_hangup_is_a_reload_unless_the_terminal_is_gone(terminal, before, handler, closed, name):
    before(handler)
    queue = SignalQueue()
    with queue.receive(["SIGHUP"]):
        terminal[0] = not closed
        signal.raise_signal(signal.SIGHUP)
        assert [*queue] == [name]
    assert signal.getsignal(signal.SIGHUP) == handler


def test_they_are_taken_once_and_in_their_order(terminal):
    queue = SignalQueue()
    with queue.receive(["SIGUSR1", "SIGUSR2", "SIGNONE"]):
        for number in (signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR2):
            signal.raise_signal(number)
        assert [*queue] == ["SIGUSR2", "SIGUSR1", "SIGUSR2"]
        assert [*queue] == []


def test_one_ends_the_wait(terminal):
    queue = SignalQueue()
    with queue.receive(["SIGUSR1"]):
        signal.raise_signal(signal.SIGUSR1)
        queue.wait([], 20)
        assert [*queue] == ["SIGUSR1"]
    queue.wake()  # no effect once it is closed
