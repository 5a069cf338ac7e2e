"""Waiting for a recording: until it is over, or is ended, and every process has stored what it has."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from gateway.control.recordings import RecordingProgress
from gateway.workbench.record import live

RUNS = {"ended": False, "finished": False}
ENDED, FINISHED = {"ended": True, "finished": False}, {"ended": True, "finished": True}


class Clock(SimpleNamespace):
    """A second passes at each look."""

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


def waited(monkeypatch, *states, stop=False):
    """What was told, and how often it was ended; the last state stays."""
    left, told, ended, stopping = [*states], [], [], threading.Event()

    def progress(_):
        state = left.pop(0) if len(left) > 1 else left[0]
        return RecordingProgress("r", "ada", datetime.now(UTC), requests=0, cases=0, workers=1, skipped={}, **state)

    monkeypatch.setattr(live, "progress", progress)
    monkeypatch.setattr(live, "end", ended.append)
    monkeypatch.setattr(live, "LOOK", 0.001)
    if stop:
        stopping.set()
    found = live.wait("r", 1.0, told.append, stopping, Clock(now=0.0))
    return found, [one.finished for one in told], ended


@pytest.mark.parametrize(
    ("states", "stop", "told"),
    [
        ((RUNS, RUNS, ENDED, ENDED, FINISHED), False, [False, False, True]),
        ((FINISHED,), False, [True]),
        ((RUNS, FINISHED), True, [False, True]),
    ],
)
def test_it_waits_until_all_is_stored(monkeypatch, states, stop, told):
    found, seen, ended = waited(monkeypatch, *states, stop=stop)
    assert (found.finished, seen, ended) == (True, told, ["r"])


def test_a_process_that_does_not_store_its_part_is_not_waited_for_forever(monkeypatch):
    found, _, ended = waited(monkeypatch, ENDED)
    assert (found.finished, ended) == (False, ["r"])
