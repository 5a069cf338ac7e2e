"""What this process counted of its routes."""

from __future__ import annotations

import threading
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.stats.counters import KEPT, Counters
from gateway.stats.histogram import BOUNDS, FACTOR, Histogram
from gateway.stats.tally import COUNTER_WINDOW, FEW, MOST_REASONS, OTHERS, Mirrored, Tally
from gateway.testing import FrozenClock

# Latencies between the lowest and the highest bound, where the histogram promises its error.
LATENCIES = st.lists(st.floats(BOUNDS[0], BOUNDS[-1], exclude_min=True), min_size=1, max_size=60)


def histogram(seconds) -> Histogram:
    made = Histogram()
    for each in seconds:
        made.add(each)
    return made


# -- Histogram ----------------------------------------------------------------------------------


def test_the_bounds_go_from_a_tenth_of_a_millisecond_to_two_minutes():
    """Stored counts refer to them by place: these four numbers may not change."""
    assert (len(BOUNDS), BOUNDS[0], round(BOUNDS[4], 6), round(BOUNDS[-1])) == (82, 0.0001, 0.0002, 125)


def test_an_empty_one_has_no_quantile():
    assert Histogram().quantile(0.5) is None


@pytest.mark.parametrize("q", [-0.1, 1.1, float("nan")])
def test_a_quantile_is_a_share(q):
    with pytest.raises(ValueError, match="between 0 and 1"):
        histogram([1]).quantile(q)


@given(LATENCIES, st.floats(0, 1))
def test_a_quantile_is_off_by_less_than_the_factor(seconds, q):
    true = sorted(seconds)[max(ceil(q * len(seconds)) - 1, 0)]
    assert true / FACTOR * 0.999999 <= histogram(seconds).quantile(q) <= true * FACTOR * 1.000001


@given(LATENCIES, st.floats(0, 1), st.floats(0, 1))
def test_a_greater_share_never_took_less(seconds, one, other):
    counted = histogram(seconds)
    assert counted.quantile(min(one, other)) <= counted.quantile(max(one, other))


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, BOUNDS[0]), (-1.0, BOUNDS[0]), (3600.0, BOUNDS[-1])])
def test_what_is_out_of_range_counts_at_its_end(seconds, shown):
    assert histogram([seconds]).quantile(1) == shown


def test_between_two_bounds_it_interpolates():
    lower, upper = BOUNDS[19], BOUNDS[20]
    assert histogram([upper] * 4).quantile(0.25) == pytest.approx(lower + (upper - lower) / 4)


@given(LATENCIES, st.floats(0, 200))
def test_what_took_longer_is_right_to_a_step(seconds, limit):
    surely = sum(each > limit * FACTOR for each in seconds)
    at_most = sum(each > limit / FACTOR for each in seconds)
    assert surely <= histogram(seconds).above(limit) + 1e-9
    assert histogram(seconds).above(limit) - 1e-9 <= at_most


@given(LATENCIES, st.floats(0.01, 0.99))
def test_a_quantile_and_what_took_longer_agree(seconds, q):
    counted = histogram(seconds)
    assert counted.above(counted.quantile(q)) == pytest.approx((1 - q) * len(seconds))


@given(LATENCIES, LATENCIES)
def test_merged_it_is_as_if_all_had_been_added_to_one(one, other):
    merged = histogram(one)
    merged.merge(histogram(other))
    assert merged == histogram(other + one)
    assert merged.count == len(one) + len(other)


@given(LATENCIES)
def test_it_comes_back_from_json(seconds):
    counted = histogram(seconds)
    assert Histogram.from_json(counted.to_json()) == counted


def test_json_has_only_what_is_not_zero():
    assert histogram([BOUNDS[3], BOUNDS[3], 9999]).to_json() == {"3": 2, "82": 1}
    assert repr(histogram([BOUNDS[3]])) == "Histogram({'3': 1})"


@pytest.mark.parametrize("stored", [{"83": 1}, {"x": 1}, {"-1": 1}, {"1": -1}, {"1": 0}])
def test_what_it_did_not_store_is_refused(stored):
    with pytest.raises(ValueError, match="is no count of a place from 0 to 82"):
        Histogram.from_json(stored)


def test_it_is_compared_by_what_it_counted():
    assert histogram([1]) != histogram([2])
    assert Histogram() != {}


# -- Tally and Mirrored ------------------------------------------------------------------------

TALLIES = st.builds(
    Tally,
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(0, 99),
    LATENCIES.map(histogram),
)
MIRRORS = st.builds(
    Mirrored,
    *[st.integers(0, 99)] * 6,
    dropped=st.dictionaries(st.sampled_from(["queue", "lag", "busy"]), st.integers(1, 9)),
)
SUMS = st.one_of(st.tuples(TALLIES, TALLIES, TALLIES), st.tuples(MIRRORS, MIRRORS, MIRRORS))


def merged(*parts):
    total = parts[0].copy()
    for part in parts[1:]:
        total.merge(part)
    return total


@given(SUMS)
def test_the_order_of_a_merge_does_not_matter(parts):
    a, b, c = parts
    assert merged(a, b) == merged(b, a)
    assert merged(merged(a, b), c) == merged(a, merged(b, c))


@given(SUMS)
def test_a_copy_stays_as_it_was(parts):
    original, other, _ = parts
    copied, again = original.copy(), original.copy()
    original.merge(other)
    original.merge(type(original)(1))
    assert copied == again != original


def test_an_error_rate_is_a_share():
    assert (Tally(4, 1).error_rate, Tally().error_rate) == (0.25, 0.0)


@pytest.mark.parametrize(
    ("mirrored", "compared", "parity"),
    [
        (Mirrored(9), 0, None),
        (Mirrored(9, equal=3), 3, 100.0),
        (Mirrored(9, equal=1, warned=2, errors=5), 3, 100.0),
        (Mirrored(9, equal=1, warned=2, different=1), 4, 75.0),
    ],
)
def test_parity_is_of_what_was_compared_and_warnings_do_not_break_it(mirrored, compared, parity):
    assert (mirrored.compared, mirrored.parity) == (compared, parity)


# -- Counters -----------------------------------------------------------------------------------


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def counters(clock):
    return Counters(clock)


def ask(counters, status=200, seconds=0.01, side="service", **more):
    counters.request("items", side, status, seconds, **more)


@pytest.mark.parametrize(
    ("status", "more", "errors", "fallbacks"),
    [
        (200, {}, 0, 0),
        (404, {}, 0, 0),
        (499, {}, 0, 0),
        (500, {}, 1, 0),
        (503, {}, 1, 0),
        (0, {}, 0, 0),  # the client left
        (0, {"failed": True}, 1, 0),
        (200, {"failed": True}, 1, 0),  # it died in the middle of its answer
        (200, {"failed": True, "fell_back": "it failed"}, 1, 1),
        (200, {"fell_back": "it failed"}, 1, 1),
        (500, {"failed": True, "fell_back": "it failed"}, 1, 1),
    ],
)
def test_a_request_is_an_error_when_the_service_failed(counters, status, more, errors, fallbacks):
    ask(counters, status, **more)
    tally = counters.take().side("items", "service")
    assert (tally.requests, tally.errors, tally.fallbacks, tally.histogram.count) == (1, errors, fallbacks, 1)


def test_a_socket_has_no_latency(counters):
    ask(counters, 101, None)
    assert counters.take().side("items", "service") == Tally(requests=1)


def test_sides_and_routes_are_counted_apart(counters):
    ask(counters)
    ask(counters, side="legacy")
    counters.request("other", "legacy", 200, 0.01)
    taken = counters.take()
    assert {key[:2]: tally.requests for key, tally in taken.tallies.items()} == {
        ("items", "service"): 1,
        ("items", "legacy"): 1,
        ("other", "legacy"): 1,
    }


@pytest.mark.parametrize(
    ("happens", "counted"),
    [
        (lambda counters: counters.mirror("items"), Mirrored(mirrored=1)),
        (lambda counters: counters.compare("items", breaking=False, warning=False), Mirrored(equal=1)),
        (lambda counters: counters.compare("items", breaking=False, warning=True), Mirrored(warned=1)),
        (lambda counters: counters.compare("items", breaking=True, warning=True), Mirrored(different=1)),
        (lambda counters: counters.control("items"), Mirrored(controls=1)),
        (lambda counters: counters.uncompared("items"), Mirrored(errors=1)),
        (lambda counters: counters.drop("items", "lag"), Mirrored(dropped={"lag": 1})),
    ],
    ids=["mirror", "equal", "warned", "different", "control", "uncompared", "drop"],
)
def test_what_becomes_of_a_mirror_is_counted(counters, happens, counted):
    happens(counters)
    happens(counters)
    taken = counters.take()
    assert taken.mirrors("items") == merged(counted, counted)
    assert taken.mirrors("other") == Mirrored()


def test_a_slot_is_ten_seconds_of_the_clock(counters, clock):
    start = int(clock.time())
    for _ in range(3):
        ask(counters)
        counters.mirror("items")
        clock.advance(5)
    taken = counters.take()
    assert taken.windows == (start, start + COUNTER_WINDOW)
    assert {key: tally.requests for key, tally in taken.tallies.items()} == {
        ("items", "service", start): 2,
        ("items", "service", start + COUNTER_WINDOW): 1,
    }
    assert {key: seen.mirrored for key, seen in taken.mirrored.items()} == {
        ("items", start): 2,
        ("items", start + COUNTER_WINDOW): 1,
    }


def test_totals_leave_out_what_began_before(counters, clock):
    for _ in range(3):
        ask(counters)
        counters.mirror("items")
        clock.advance(COUNTER_WINDOW)
    since = clock.time() - 2 * COUNTER_WINDOW
    assert counters.take().side("items", "service", since).requests == 2
    assert counters.take().mirrors("items", since).mirrored == 2


def test_what_was_taken_stays_as_it_was_and_the_next_has_all_of_the_slot(counters):
    ask(counters)
    first = counters.take()
    ask(counters)
    assert first.side("items", "service").requests == 1
    assert counters.take().side("items", "service").requests == 2
    with pytest.raises(TypeError):
        first.tallies["items", "service", 0] = Tally()


def test_what_was_forgotten_is_not_taken_again(counters, clock):
    ask(counters)
    clock.advance(COUNTER_WINDOW)
    ask(counters, 500)
    counters.forget(counters.take().settled)
    assert counters.take().side("items", "service").errors == 1
    assert counters.take().side("items", "service").requests == 1


def test_what_was_counted_after_it_was_taken_is_not_forgotten(counters, clock):
    ask(counters)
    taken = counters.take()
    ask(counters)
    clock.advance(COUNTER_WINDOW)
    ask(counters)
    counters.forget(taken.settled)
    assert counters.take().side("items", "service").requests == 3


def test_the_slot_that_was_counted_in_last_is_never_forgotten(counters, clock):
    """The event loop may be about to count in it."""
    ask(counters)
    clock.advance(3600)
    counters.forget(clock.time())
    ask(counters)
    assert counters.take().side("items", "service").requests == 2


@pytest.mark.parametrize("kind", ["request", "mirror"])
def test_what_nobody_takes_is_dropped_in_time_and_counted_as_lost(counters, clock, kind):
    for _ in range(KEPT + 2):
        ask(counters) if kind == "request" else counters.mirror("items")
        clock.advance(COUNTER_WINDOW)
    taken = counters.take()
    assert (len(taken.windows), taken.lost) == (KEPT, 2)
    assert taken.side("items", "service").requests + taken.mirrors("items").mirrored == KEPT


class SetBack(FrozenClock):
    """A clock that somebody puts right."""

    back = 0.0

    def time(self):
        return super().time() - self.back


@pytest.mark.parametrize(("back", "windows"), [(5, 1), (30, 1), (60, 1), (61, 2), (3600, 2)])
def test_a_clock_that_is_put_right_by_little_opens_no_old_slot_again(back, windows):
    """One that was stored and forgotten would be stored again with only what came after."""
    clock = SetBack()
    counters = Counters(clock)
    ask(counters)
    clock.back = back
    ask(counters)
    assert len(counters.take().windows) == windows
    assert counters.take().side("items", "service").requests == 2


@given(st.lists(st.sampled_from(["request", "mirror", "turn", "store"]), max_size=80))
def test_stored_by_slot_everything_is_there_once(events):
    """Storing replaces what is stored for a window, and may happen at any time."""
    clock, stored, expected = FrozenClock(), {}, {"request": 0, "mirror": 0}
    counters = Counters(clock)
    for event in [*events, "store"]:
        if event == "request":
            ask(counters)
        elif event == "mirror":
            counters.mirror("items")
        elif event == "turn":
            clock.advance(COUNTER_WINDOW * 0.7)
        else:
            taken = counters.take()
            stored.update(taken.tallies | taken.mirrored)
            counters.forget(taken.settled)
        if event in expected:
            expected[event] += 1
    assert sum(tally.requests for tally in stored.values() if isinstance(tally, Tally)) == expected["request"]
    assert sum(seen.mirrored for seen in stored.values() if isinstance(seen, Mirrored)) == expected["mirror"]


def test_another_thread_may_take_while_the_event_loop_adds():
    """No copy has more errors than requests, and when all is done nothing is missing."""
    clock, seen, done = FrozenClock(), {}, threading.Event()
    counters = Counters(clock)
    impossible = []

    def take():
        while not done.is_set():
            taken = counters.take()
            impossible.extend(
                tally for tally in taken.tallies.values() if not tally.fallbacks <= tally.errors <= tally.requests
            )
            seen.update(taken.tallies)
            counters.forget(taken.settled)

    taker = threading.Thread(target=take)
    taker.start()
    for number in range(20_000):
        ask(counters, fell_back="it failed" if number % 2 == 0 else None)
        if number % 500 == 0:  # less often than KEPT times
            clock.advance(COUNTER_WINDOW)
    done.set()
    taker.join()
    taken = counters.take()
    seen.update(taken.tallies)
    assert impossible == []
    assert (sum(tally.requests for tally in seen.values()), taken.lost) == (20_000, 0)


# -- callers --------------------------------------------------------------------------------------


def callers_of(*clients, status=500, key=b"k"):
    counters = Counters(key=key)
    for client in clients:
        counters.request("items", "service", status, 0.01, client=client)
    return counters.take().side("items", "service")


def test_a_few_callers_are_told_apart_and_no_more_are_kept():
    assert len(callers_of("10.0.0.1", "10.0.0.1").callers) == 1
    assert len(callers_of("10.0.0.1", "10.0.0.2").failing) == 2
    assert len(callers_of(*(f"10.0.0.{number}" for number in range(20))).callers) == FEW


def test_only_those_whose_requests_failed_are_failing():
    assert callers_of("10.0.0.1", status=200).failing == set()


def test_whoever_has_an_ipv6_network_is_one_caller():
    assert len(callers_of("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::1").callers) == 1
    assert len(callers_of("2001:db8:1:2:3:4:5:6", "2001:db8:1:3:3:4:5:6").callers) == 2


def test_addresses_are_hashed_under_the_key():
    assert callers_of("10.0.0.1", key=b"a").callers != callers_of("10.0.0.1", key=b"b").callers
    assert callers_of("10.0.0.1", key=b"a").callers == callers_of("10.0.0.1", key=b"a").callers


def test_fallbacks_are_counted_by_their_reason():
    counters = Counters(FrozenClock())
    for reason in ("a", "b", "a", None):
        counters.request("items", "service", 200, 0.01, fell_back=reason)
    tally = counters.take().side("items", "service")
    assert (tally.fallbacks, tally.reasons) == (3, {"a": 2, "b": 1})


def test_many_reasons_are_others():
    counters = Counters(FrozenClock())
    for number in range(20):
        counters.request("items", "service", 200, 0.01, fell_back=f"reason {number}")
    reasons = counters.take().side("items", "service").reasons
    assert len(reasons) == MOST_REASONS + 1
    assert reasons[OTHERS] == 20 - MOST_REASONS
