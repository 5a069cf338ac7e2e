"""Whether a service should be asked now."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from gateway.config.services import BreakerSettings
from gateway.rollout.breaker import CircuitBreaker

RESTS = "service 'catalog' rests for {} s after failures ({})"
TRIED = "service 'catalog' is tried by one request after failures"


def ask(breaker, now, failed):
    """One request that takes no time."""
    breaker.end(now, failed, breaker.acquire(now))


def failing(now=0.0, limit=None, requests=10, **changes):
    """A service all of whose requests failed."""
    breaker = CircuitBreaker("catalog", limit, BreakerSettings(**changes))
    for _ in range(requests):
        ask(breaker, now, True)
    return breaker


# -- in flight ----------------------------------------------------------------------------------


def test_a_service_is_asked_until_its_limit_is_in_flight():
    breaker = CircuitBreaker("catalog", limit=2)
    tokens = [breaker.acquire(0.0)]
    assert breaker.refuses(0.0) is None
    tokens.append(breaker.acquire(0.0))
    assert breaker.refuses(0.0) == "service 'catalog' has 2 requests in flight"
    breaker.end(0.0, None, tokens.pop())
    assert (breaker.refuses(0.0), breaker.in_flight) == (None, 1)


def test_without_a_limit_any_number_may_be():
    breaker = CircuitBreaker("catalog")
    for _ in range(10_000):
        breaker.acquire(0.0)
    assert (breaker.refuses(0.0), breaker.in_flight) == (None, 10_000)


def test_the_limit_holds_for_a_trial_too():
    breaker = failing(limit=1)
    breaker.acquire(1.0)
    assert breaker.refuses(5.0) == "service 'catalog' has 1 request in flight"


# -- opening ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "successes", "opens"),
    [(9, 0, False), (10, 0, True), (3, 7, True), (2, 8, False), (29, 71, False), (30, 70, True)],
)
def test_it_opens_at_a_share_of_failures_once_there_are_enough_requests(failures, successes, opens):
    breaker = CircuitBreaker("catalog")
    for number in range(failures + successes):
        ask(breaker, 0.0, number >= successes)
    assert (breaker.refuses(0.0) is not None) == opens


def test_it_says_why_and_for_how_long():
    breaker = CircuitBreaker("catalog")
    for number in range(30):
        ask(breaker, 1.0, number >= 21)
    assert breaker.refuses(1.0) == RESTS.format(5, "9 of 30 in 60 s")


def test_what_is_longer_ago_than_the_window_does_not_count():
    breaker = failing(requests=9)
    ask(breaker, 60.0, True)
    assert breaker.refuses(60.0) is None
    assert breaker.describe(60.0)["failures"] == 1


def test_failures_leave_the_window_with_their_requests():
    breaker = failing(requests=9)
    for number in range(10):
        ask(breaker, 60.0, number >= 8)
    assert breaker.refuses(60.0) is None


@pytest.mark.parametrize(("now", "requests"), [(0.0, 9), (59.9, 9), (60.0, 0), (600.0, 0)])
def test_what_is_described_is_the_window_of_that_moment(now, requests):
    described = failing(requests=9).describe(now)
    assert (described["requests"], described["failures"]) == (requests, requests)


def test_what_is_within_nine_tenths_of_the_window_counts():
    breaker = failing(requests=9, now=5.9)
    ask(breaker, 59.9, True)
    assert breaker.refuses(59.9) is not None


def test_a_client_that_leaves_says_nothing():
    breaker = CircuitBreaker("catalog")
    for _ in range(100):
        ask(breaker, 0.0, None)
    assert (breaker.describe(0.0)["requests"], breaker.refuses(0.0)) == (0, None)


def test_a_breaker_can_be_done_without():
    breaker = CircuitBreaker("catalog", breaker=None)
    for _ in range(100):
        ask(breaker, 0.0, True)
    assert breaker.refuses(0.0) is None


# -- trying again -------------------------------------------------------------------------------


def test_it_rests_until_its_cool_down_is_over():
    breaker = failing()
    assert breaker.refuses(4.9) == RESTS.format(5, "10 of 10 in 60 s")
    assert breaker.refuses(5.0) is None


def test_asking_whether_it_may_be_asked_is_no_trial():
    breaker = failing()
    assert [breaker.refuses(5.0) for _ in range(3)] == [None, None, None]


def test_one_request_at_a_time_tries_it():
    breaker = failing()
    trial = breaker.acquire(5.0)
    assert breaker.refuses(5.0) == TRIED
    breaker.end(6.0, False, trial)
    assert (breaker.refuses(6.0), breaker.describe(6.0)["state"]) == (None, "closed")


def test_a_trial_that_fails_opens_it_again_for_twice_as_long():
    breaker = failing()
    ask(breaker, 5.0, True)
    assert breaker.refuses(14.9) == RESTS.format(10, "a request that tried it failed")
    assert breaker.refuses(15.0) is None


def test_a_trial_whose_client_left_lets_the_next_one_try():
    breaker = failing()
    ask(breaker, 5.0, None)
    assert (breaker.refuses(5.0), breaker.describe(5.0)["state"]) == (None, "half-open")


def test_a_trial_that_never_ends_is_given_up_after_a_window():
    breaker = failing()
    lost = breaker.acquire(5.0)
    assert breaker.refuses(64.9) == TRIED
    assert breaker.refuses(65.0) is None
    breaker.acquire(65.0)
    breaker.end(66.0, False, lost)  # it does end, when nobody goes by it any more
    assert breaker.refuses(66.0) == TRIED


@pytest.mark.parametrize("failed", [True, False, None])
def test_a_request_from_before_it_opened_is_no_trial(failed):
    breaker = CircuitBreaker("catalog")
    early = breaker.acquire(0.0)
    for _ in range(10):
        ask(breaker, 0.0, True)
    breaker.acquire(5.0)
    breaker.end(6.0, failed, early)
    assert (breaker.refuses(6.0), breaker.openings) == (TRIED, 1)


@pytest.mark.parametrize("failed", [True, False, None])
def test_a_request_against_a_refusal_changes_nothing(failed):
    breaker = failing()
    ask(breaker, 1.0, failed)
    assert (breaker.refuses(4.9), breaker.refuses(5.0)) == (RESTS.format(5, "10 of 10 in 60 s"), None)


def test_once_closed_old_failures_are_forgotten():
    breaker = failing()
    ask(breaker, 5.0, False)
    for _ in range(9):
        ask(breaker, 5.0, True)
    assert breaker.describe(5.0)["failures"] == 9
    assert breaker.refuses(5.0) is None


# -- how long it rests --------------------------------------------------------------------------


def test_each_time_it_rests_twice_as_long_up_to_the_longest():
    breaker, now, rests = failing(max_cooldown=100), 0.0, []
    for _ in range(7):
        rests.append(breaker.describe(now)["cooldown"])
        now += rests[-1]
        ask(breaker, now, True)
    assert rests == [5, 10, 20, 40, 80, 100, 100]


@pytest.mark.parametrize(
    ("trials", "closed_for", "rest"),
    [
        (0, 59.9, 10),  # it rested for 5 s before, and must do without failing for a window, 60 s
        (0, 60, 5),
        (4, 60, 160),  # it rested for 80 s before
        (4, 79.9, 160),
        (4, 80, 5),
    ],
)
def test_trust_comes_back_no_faster_than_it_went(trials, closed_for, rest):
    breaker, now = failing(), 0.0
    for failed in [True] * trials + [False]:
        now += breaker.describe(now)["cooldown"]
        ask(breaker, now, failed)
    for _ in range(10):
        ask(breaker, now + closed_for, True)
    assert breaker.describe(now + closed_for)["cooldown"] == pytest.approx(rest)


@pytest.mark.parametrize(
    "changes",
    [
        {"window": 0},
        {"minimum": 0},
        {"failure_rate": 0},
        {"failure_rate": 1.1},
        {"cooldown": 0},
        {"cooldown": 301},
    ],
)
def test_settings_that_make_no_sense_are_refused(changes):
    with pytest.raises(ValueError, match="not BreakerSettings"):
        BreakerSettings(**changes)


def test_settings_may_be_at_their_bounds():
    breaker = failing(requests=1, minimum=1, failure_rate=1.0, cooldown=7.0, max_cooldown=7.0)
    assert breaker.describe(0.0)["cooldown"] == 7.0


# -- status -------------------------------------------------------------------------------------


def test_it_describes_itself():
    breaker = failing(limit=7)
    breaker.acquire(1.0)
    assert breaker.describe(1.0) == {
        "state": "open",
        "reason": RESTS.format(5, "10 of 10 in 60 s"),
        "cooldown": 4.0,
        "in_flight": 1,
        "limit": 7,
        "requests": 10,
        "failures": 10,
        "openings": 1,
    }


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=40), st.floats(0, 100))
def test_to_describe_it_changes_nothing(asked, later):
    watched, other, now = CircuitBreaker("catalog"), CircuitBreaker("catalog"), 0.0
    for passed, failed in asked:
        now += passed
        watched.describe(now + later)
        ask(watched, now, failed)
        ask(other, now, failed)
    assert watched.describe(now) == other.describe(now)


# -- whatever happens ---------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 20), st.sampled_from([True, False, None])), max_size=60))
def test_below_the_minimum_it_never_opens(asked):
    breaker, now, ends = CircuitBreaker("catalog", breaker=BreakerSettings(window=10, minimum=5)), 0.0, []
    for passed, failed in asked:
        now += passed
        ends += [now] if failed is not None else []
        ask(breaker, now, failed)
        if breaker.openings:
            assert sum(end > now - 10 for end in ends) >= 5
            return


class AnyTraffic(RuleBasedStateMachine):
    """Requests begin when they may, end in any order and any way, or never; time passes."""

    tokens = Bundle("tokens")

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.breaker = CircuitBreaker("catalog", 4, BreakerSettings(window=10, minimum=2, cooldown=1, max_cooldown=8))
        self.open = 0
        self.trials = set()

    @rule(target=tokens)
    def begin(self):
        if self.breaker.refuses(self.now) is not None:
            return None
        trying = self.breaker.describe(self.now)["state"] == "half-open"
        token = self.breaker.acquire(self.now)
        self.open += 1
        if trying:
            self.trials.add((token, self.now))
        return token

    @rule(token=consumes(tokens), failed=st.sampled_from([True, False, None]))
    def end(self, token, failed):
        if token is None:
            return
        self.breaker.end(self.now, failed, token)
        self.open -= 1
        self.trials = {trial for trial in self.trials if trial[0] != token}

    @rule(seconds=st.floats(0, 12))
    def wait(self, seconds):
        self.now += seconds

    @invariant()
    def counts_what_is_in_flight(self):
        assert self.breaker.in_flight == self.open <= 4

    @invariant()
    def has_one_trial_at_most(self):
        assert sum(self.now < since + 10 for _, since in self.trials) <= 1

    @invariant()
    def is_asked_again_in_the_end(self):
        """Unless callers fill it, nothing refuses for longer than the longest rest or a window."""
        if self.open < 4:
            assert self.breaker.refuses(self.now + 10) is None


AnyTraffic.TestCase.settings = settings(stateful_step_count=40)
TestAnyTraffic = AnyTraffic.TestCase
TestAnyTraffic.pytestmark = [pytest.mark.slow]
