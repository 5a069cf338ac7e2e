"""Bands of confidence."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rollout.bands import Band, difference, quantile_band, share_band
from gateway.stats.histogram import Histogram


def histogram(*seconds: float) -> Histogram:
    made = Histogram()
    for took in seconds:
        made.add(took)
    return made


def test_a_share_has_the_band_of_wilson():
    band = share_band(10, 200)
    assert band is not None
    assert (band.value, band.low, band.high) == pytest.approx((0.05, 0.0274, 0.0896), abs=1e-4)


def test_nothing_counted_has_no_band():
    assert share_band(0, 0) is None
    assert quantile_band(Histogram(), 0.95) is None


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_share_lies_in_its_band(counts):
    band = share_band(*counts)
    assert band is not None
    assert 0 <= band.low <= band.value <= band.high <= 1


def test_few_requests_leave_the_upper_bound_of_a_quantile_open():
    band = quantile_band(histogram(*[0.01] * 20), 0.95)
    assert band is not None
    assert band.high == inf
    assert band.low <= band.value


def test_many_requests_bound_a_quantile_from_both_sides():
    band = quantile_band(histogram(*[0.01] * 900, *[0.1] * 100), 0.95)
    assert band is not None
    assert 0.01 < band.low <= band.value <= band.high < 0.13


def test_a_difference_is_certain_where_both_sides_are():
    apart = difference(Band(0.05, 0.05, 0.05), Band(0.01, 0.01, 0.01))
    assert (apart.value, apart.low, apart.high) == pytest.approx((0.04, 0.04, 0.04))


def test_margins_of_a_difference_add_up_by_their_squares():
    apart = difference(Band(5, 2, 9), Band(3, 1, 7))
    assert (apart.low, apart.high) == pytest.approx((2 - 5, 2 + (16 + 4) ** 0.5))
