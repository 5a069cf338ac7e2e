"""Which differences legacy has from itself."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.parity.noise import is_noise, judge

COUNTS = st.integers(0, 10_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@pytest.mark.parametrize(
    ("raw", "total", "noise", "controls", "expected", "why"),
    [
        (100, 1000, 0, 100, False, "more often"),
        (1000, 1000, 0, 0, False, "no control yet"),
        (100, 1000, 100, 1000, True, "not more often"),
        (100, 1000, 10, 100, True, "not more often"),  # rates, since controls are a sample
        (100, 1000, 20, 100, True, "not more often"),
        (150, 1000, 10, 100, True, "hardly more often"),  # 0.05 / 0.25 = 20 %
        (151, 1000, 10, 100, False, "more often"),
        (3, 10_000, 0, 100, True, "too rarely to tell"),  # 0.03 % exactly
        (4, 10_000, 0, 100, False, "more often"),
        (0, 1000, 0, 100, True, "never seen"),
        (0, 0, 0, 0, True, "never seen"),
    ],
)
def test_the_rule(raw, total, noise, controls, expected, why):
    verdict = judge(raw, total, noise, controls)
    assert verdict.noise is expected
    assert is_noise(raw, total, noise, controls) is expected
    assert why in verdict.explanation


def test_the_explanation_has_the_numbers():
    assert judge(844, 2000, 1, 100).explanation == (
        "in 844 of 2,000 (42.2%); of legacy with itself in 1 of 100 (1.0%): more often"
    )


@pytest.mark.parametrize("counts", [(2, 1, 0, 0), (0, 0, 2, 1), (-1, 1, 0, 0), (0, 1, -1, 1)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(ValueError, match="counts that can't be"):
        is_noise(*counts)


@given(COUNTS, COUNTS)
def test_more_noise_never_makes_a_difference_of_it(raw, noise):
    assume(noise[0] < noise[1])
    if is_noise(*raw, *noise):
        assert is_noise(*raw, noise[0] + 1, noise[1])


@given(COUNTS)
def test_what_legacy_has_as_often_is_noise(counts):
    assert is_noise(*counts, *counts)
