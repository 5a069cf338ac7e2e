"""How much a process has to do: what is quiet, and what is pressure."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.mirroring.backpressure import BACKLOG, LOOKS, QUIET, Backpressure


@pytest.fixture
def legacy():
    return SimpleNamespace(busy=False)


@pytest.fixture
def load(legacy):
    return Backpressure(legacy, lag=0.05)


def test_it_is_quiet_before_the_first_request(load):
    assert load.quiet(0.0)


def test_a_request_that_has_just_come_is_being_answered(load):
    load.arrived = 10.0
    assert (load.quiet(10.0 + QUIET / 2), load.quiet(10.0 + QUIET)) == (False, True)


def test_a_late_event_loop_is_pressure_for_a_while(load):
    load.look(10.0, late=0.2)
    assert [load.pressed(10.0 + seconds) for seconds in (0, 0.1, 0.2, 0.3, 1)] == ["lag", "lag", "lag", None, None]


def test_the_longest_delay_is_remembered(load):
    load.look(10.0, late=0.2)
    load.look(10.1, late=0.0)
    assert load.pressed(10.1) == "lag"


def test_a_backlog_at_every_look_is_pressure(load, legacy):
    legacy.busy = True
    for look in range(LOOKS):
        assert load.pressed(10.0 + look) is None
        load.look(10.0 + look, late=0.0)
    assert load.pressed(10.0 + LOOKS) == "busy"


def test_a_backlog_that_is_short_is_none(load, legacy):
    legacy.busy = True
    for look in range(2 * LOOKS):
        load.look(10.0 + look * BACKLOG / 100, late=0.0)
    assert load.pressed(10.0 + BACKLOG / 2) is None


def test_a_backlog_with_a_pause_is_none(load, legacy):
    for look in range(4 * LOOKS):
        legacy.busy = look % 2 == 0
        load.look(10.0 + look, late=0.0)
    legacy.busy = True
    assert load.pressed(100.0) is None


def test_pressure_is_over_when_nobody_waits(load, legacy):
    legacy.busy = True
    for look in range(LOOKS):
        load.look(10.0 + look, late=0.0)
    legacy.busy = False
    assert load.pressed(10.0 + LOOKS) is None
