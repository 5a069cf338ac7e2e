"""`python -m bench --only counted recorded`: how the processor time of a request is told."""

import pytest

from bench.costs import _microseconds
from bench.measure import Sample
from bench.process import BenchError


def turn(requests, cpu_per_1000):
    return Sample(rate=1.0, p50=0.0, p99=0.0, requests=requests, cpu_per_1000=cpu_per_1000, generator_busy=None)


def test_each_turn_counts_by_its_requests():
    assert _microseconds([turn(1000, 0.1), turn(3000, 0.2)]) == pytest.approx(175.0)


def test_without_processor_times_there_is_no_row():
    with pytest.raises(BenchError, match="needs processor times from /proc"):
        _microseconds([turn(1000, None)])
