"""Recording gets a share of the time, and no more."""

from gateway.recording.budget import BURST, KEEPING, SHARE, TimeBudget

LOOK = 1e-4  # seconds
EACH = LOOK * (1 + KEEPING)


def test_what_is_spent_beyond_the_share_is_waited_for():
    budget = TimeBudget(0.0)
    assert budget.allows(0.0)
    budget.spent += BURST
    assert not budget.allows(0.0)
    assert not budget.allows(0.0001)
    assert budget.allows(0.1)  # 3 ms later than the last


def test_time_in_which_nothing_happens_is_not_saved_up():
    budget = TimeBudget(0.0)
    assert budget.allows(1_000_000.0)
    budget.spent += BURST
    assert not budget.allows(1_000_000.0)


def test_over_a_long_time_the_share_holds():
    budget, now, kept = TimeBudget(0.0), 0.0, 0
    for _ in range(200_000):  # a request each 0.1 ms, each of which would take as long
        now += 1e-4
        if budget.allows(now):
            kept += 1
            budget.spend(LOOK)
    assert kept * EACH <= now * SHARE + BURST + 50 * EACH  # of which the first are estimated
    assert kept > 0.9 * now * SHARE / EACH


def test_a_look_that_takes_long_is_no_measure_of_keeping():
    budget = TimeBudget(0.0)
    budget.spend(10.0)
    budget.spent = 0.0
    assert all(budget.allows(0.0) for _ in range(100))
