"""Identifiers are of a form that others read, and never the same."""

from __future__ import annotations

import re

import pytest

from gateway.randomness import SystemRandomness


@pytest.fixture
def system() -> SystemRandomness:
    return SystemRandomness()


def test_request_ids_are_32_hexadecimal_digits_and_never_the_same(system):
    made = {system.request_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(rb"[0-9a-f]{32}", one) for one in made)


def test_a_forked_worker_makes_request_ids_of_its_own(system):
    before = system.request_id()
    system.start_process()
    assert system.request_id()[:16] != before[:16]


def test_visitors_are_told_apart_by_32_hexadecimal_digits(system):
    made = {system.visitor_id() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


def test_a_key_has_32_bytes(system):
    assert (len(system.key()), len({system.key() for _ in range(10)})) == (32, 10)


def test_draws_are_below_their_bounds(system):
    assert all(0 <= system.random() < 1 for _ in range(100))
    assert all(system.bits(3) < 8 for _ in range(100))
