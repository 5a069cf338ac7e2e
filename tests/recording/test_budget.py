"""Recording gets a share of the process's time, and no more."""

import pytest

from gateway.recording.budget import BURST, IDLE_SHARE, METERED, SHARE, UNSEEN, TimeBudget

KEEPING, LOOK = 2e-5, 1e-5  # seconds, as they are measured
EACH = UNSEEN * (KEEPING + LOOK)


class Processor:
    """Processor time of the process."""

    used = 0.0

    def __call__(self):
        return self.used


@pytest.fixture
def processor():
    return Processor()


@pytest.fixture
def budget(processor):
    return TimeBudget(0.0, processor)


@pytest.mark.parametrize("thread", ["analysed", "stored"])
def test_what_other_threads_spend_beyond_the_share_is_waited_for(budget, processor, thread):
    assert budget.allows(0.0)
    setattr(budget, thread, BURST / UNSEEN)
    assert not budget.allows(0.0)
    processor.used = 0.0001
    assert not budget.allows(0.0001)
    processor.used = 0.2
    assert budget.allows(0.2)


def test_time_in_which_nothing_happens_is_not_saved_up(budget, processor):
    processor.used = 1_000_000.0
    budget.analysed += 2.1 * BURST / UNSEEN  # of which one was there before
    assert not budget.allows(1_000_000.0)


@pytest.mark.parametrize(("core", "share"), [(1.0, SHARE), (0.5, SHARE / 2), (0.01, IDLE_SHARE)])
def test_over_a_long_time_the_share_of_what_the_process_gets_of_a_core_holds(budget, processor, core, share):
    now, kept = 0.0, 0
    for _ in range(200_000):  # a request each 0.1 ms
        now += 1e-4
        processor.used = now * core
        if budget.allows(now):
            kept += 1
            budget.measured(KEEPING)
            budget.analysed += LOOK
    assert kept * EACH <= now * share + BURST + 100 * EACH  # of which the first are estimated
    assert kept > 0.9 * now * share / EACH


def test_one_request_that_takes_long_is_no_measure_of_others(budget):
    budget.measured(10.0)
    assert all(budget.allows(0.0) for _ in range(100))


def test_if_all_take_longer_fewer_are_kept(budget):
    for _ in range(200):
        budget.measured(BURST / UNSEEN / 1.9)
    assert [budget.allows(0.0) for _ in range(4)] == [True, True, False, False]


def test_some_are_measured(budget):
    assert [budget.meters() for _ in range(METERED + 1)] == [True, *[False] * (METERED - 1), True]
