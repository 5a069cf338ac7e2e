"""Pauses before a process is started again."""

from __future__ import annotations

from gateway.server.backoff import LONGEST_PAUSE, Backoff


def test_pauses_double_up_to_the_longest():
    backoff = Backoff()
    assert [backoff.fail() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_it_never_overflows():
    backoff = Backoff()
    assert max(backoff.fail() for _ in range(5000)) == LONGEST_PAUSE


def test_after_a_reset_it_begins_again():
    backoff = Backoff()
    backoff.fail()
    backoff.fail()
    backoff.reset()
    assert (backoff.failures, backoff.fail()) == (0, 0.5)
