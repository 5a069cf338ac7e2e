"""Whether a route does well enough on its service, and what follows for its ramp (docs/guard.md)."""

from __future__ import annotations

from math import comb, exp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.config.guard import Guard, GuardConfig
from gateway.rollout.guard import Hold, Judgement, Promote, RollBack, Verdict, judge, next_step
from gateway.rollout.significance import excess, excess_over
from gateway.stats.tally import Mirrored, Tally

GUARD = Guard()
HEALTHY, FAILING, INCONCLUSIVE = Verdict.HEALTHY, Verdict.FAILING, Verdict.INCONCLUSIVE
WORSE = [HEALTHY, INCONCLUSIVE, FAILING]
NOTHING = Tally()


def side(requests, errors=0, *latencies) -> Tally:
    """One side; `latencies` are spread over its requests evenly."""
    tally = Tally(requests, min(errors, requests))
    for number in range(requests if latencies else 0):
        tally.histogram.add(latencies[number * len(latencies) // requests])
    return tally


def verdict(service, legacy=NOTHING, mirrored=None, guard=GUARD, **more):
    return judge(guard, service, legacy, mirrored or Mirrored(), **more).verdict


# -- error rate ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "legacy", "expected"),
    [
        # as good as legacy, or within a point of it
        ((1000, 0), (1000, 0), HEALTHY),
        ((1000, 10), (1000, 0), HEALTHY),
        ((1000, 50), (1000, 50), HEALTHY),
        ((1000, 60), (1000, 50), HEALTHY),
        ((50, 0), (50, 0), HEALTHY),
        ((1000, 25), (50, 1), HEALTHY),
        # worse, beyond doubt
        ((412, 13), (1000, 1), FAILING),
        ((1000, 30), (1000, 0), FAILING),
        ((1000, 100), (1000, 50), FAILING),
        ((50, 50), (50, 0), FAILING),
        # worse, but so few that it may be chance
        ((50, 1), (50, 0), INCONCLUSIVE),
        ((412, 7), (1000, 1), INCONCLUSIVE),
        ((100, 11), (1000, 50), INCONCLUSIVE),
        # too little traffic
        ((0, 0), (1000, 0), INCONCLUSIVE),
        ((49, 0), (1000, 0), INCONCLUSIVE),
        ((49, 1), (1000, 0), INCONCLUSIVE),
        ((1000, 25), (49, 1), INCONCLUSIVE),
        ((1000, 30), (5, 0), INCONCLUSIVE),
        # too little traffic, and yet beyond doubt
        ((20, 20), (1000, 0), FAILING),
        ((5, 5), (1000, 0), FAILING),
        ((20, 20), (6, 0), FAILING),
        ((30, 10), (1000, 0), FAILING),
        # one caller who tries again is no proof
        ((4, 4), (1000, 0), INCONCLUSIVE),
        ((1, 1), (1000, 0), INCONCLUSIVE),
        # both are down: that is not the service's doing
        ((20, 20), (20, 20), INCONCLUSIVE),
        ((20, 20), (3, 3), INCONCLUSIVE),
        ((1000, 1000), (1000, 1000), HEALTHY),
    ],
)
def test_the_error_rate_is_compared_with_legacys(service, legacy, expected):
    assert verdict(side(*service), side(*legacy)) is expected


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ((1000, 0), HEALTHY),
        ((1000, 10), HEALTHY),
        ((1000, 30), FAILING),
        ((1000, 11), INCONCLUSIVE),
        ((20, 20), FAILING),
    ],
)
def test_a_legacy_without_traffic_allows_what_a_flawless_one_would(service, expected):
    """At 100 % and live there is nobody to compare with."""
    assert verdict(side(*service)) is expected


@pytest.mark.parametrize(("errors", "expected"), [(10, HEALTHY), (30, INCONCLUSIVE), (1000, FAILING)])
def test_a_legacy_with_little_traffic_excuses_nothing_and_accuses_of_nothing(errors, expected):
    """Its rate is unknown: ten requests without an error may come from one that fails in every twentieth."""
    assert verdict(side(1000, errors), side(10, 0)) is expected


@pytest.mark.parametrize("left_behind", range(5))
def test_a_handful_of_requests_without_an_error_is_as_none(left_behind):
    assert verdict(side(1000, 30, 0.3), side(left_behind, 0, 0.1)) is FAILING
    assert verdict(side(1000, 10, 0.3), side(left_behind, 0, 0.1)) is HEALTHY


def test_an_answer_that_legacy_saved_is_an_error_of_the_service():
    tally = Tally(requests=50, errors=50, fallbacks=50)
    assert verdict(tally, side(50)) is FAILING


def test_no_error_at_all_can_be_asked_for():
    guard = Guard(error_delta=0.0)
    assert verdict(side(50, 1), guard=guard) is FAILING
    assert verdict(side(50, 0), guard=guard) is HEALTHY


# -- latency ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "legacy", "expected"),
    [
        ((100, 0, 0.1), (100, 0, 0.1), HEALTHY),
        ((100, 0, 0.12), (100, 0, 0.1), HEALTHY),
        ((100, 0, 0.3), (100, 0, 0.1), FAILING),
        ((100, 0, 0.2), (100, 0, 0.1), FAILING),
        ((50, 0, 0.3), (100, 0, 0.1), FAILING),
        ((100, 0, *[0.1] * 19, 0.5), (100, 0, 0.1), HEALTHY),  # 5 % may take any time
        ((100, 0, *[0.1] * 13, 0.5), (100, 0, 0.1), INCONCLUSIVE),  # 7 %
        ((1000, 0, *[0.1] * 9, 0.5), (100, 0, 0.1), FAILING),  # 10 %
        ((100, 0, 0.004), (100, 0, 0.001), HEALTHY),  # nobody notices 3 ms
        ((100, 0, 0.3), (49, 0, 0.1), INCONCLUSIVE),
        ((100, 0, 0.3), (50, 0, 0.1), FAILING),
        ((100, 0, 0.1), (49, 0, 0.1), HEALTHY),
        ((100, 0, 0.3), (0, 0), HEALTHY),  # nothing to compare with
        ((49, 0, 0.3), (100, 0, 0.1), INCONCLUSIVE),  # the first requests to a service are slow
        ((100, 0), (100, 0, 0.1), HEALTHY),  # sockets
    ],
)
def test_the_95th_percentile_is_compared_with_legacys(service, legacy, expected):
    assert verdict(side(*service), side(*legacy)) is expected


def test_latency_can_be_left_out():
    assert verdict(side(100, 0, 9.0), side(100, 0, 0.1), guard=Guard(p95_delta=None)) is HEALTHY


@pytest.mark.parametrize(("seconds", "expected"), [(0.01, Verdict.HEALTHY), (0.6, Verdict.INCONCLUSIVE)])
def test_in_shadow_a_slow_service_waits_for_legacys_requests(seconds, expected):
    slow = side(100, 0, *[seconds] * 100)
    assert verdict(slow, NOTHING, Mirrored(equal=100), shadow=True) is expected


def test_the_floor_is_where_latency_begins_to_matter():
    assert verdict(side(100, 0, 0.3), side(100, 0, 0.1), guard=Guard(p95_floor=0.4)) is HEALTHY


# -- parity -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mirrored", "in_canary", "in_shadow"),
    [
        (Mirrored(), HEALTHY, INCONCLUSIVE),
        (Mirrored(mirrored=100, errors=100), HEALTHY, INCONCLUSIVE),
        (Mirrored(equal=49), HEALTHY, INCONCLUSIVE),
        (Mirrored(equal=50), HEALTHY, HEALTHY),
        (Mirrored(equal=1, warned=49), HEALTHY, HEALTHY),
        (Mirrored(equal=99, different=1), HEALTHY, HEALTHY),
        (Mirrored(equal=98, different=2), INCONCLUSIVE, INCONCLUSIVE),
        (Mirrored(equal=90, different=10), FAILING, FAILING),
        (Mirrored(different=5), FAILING, FAILING),
        (Mirrored(different=4), INCONCLUSIVE, INCONCLUSIVE),
        (Mirrored(equal=19, different=1), INCONCLUSIVE, INCONCLUSIVE),
    ],
)
def test_parity_counts_when_something_was_compared_and_in_shadow_it_has_to_be(mirrored, in_canary, in_shadow):
    assert verdict(side(100), side(100), mirrored) is in_canary
    assert verdict(NOTHING, side(100), mirrored, shadow=True) is in_shadow


def test_every_compared_answer_can_be_required_to_be_equal():
    assert verdict(side(100), side(100), Mirrored(equal=49, different=1), Guard(parity=100.0)) is FAILING


# -- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judgement", "reasons"),
    [
        (
            judge(GUARD, side(412, 13), side(1000, 1), Mirrored()),
            ("error rate 3.2 % against legacy's 0.1 % over 412 requests in 60 s; allowed 1.0 points more",),
        ),
        (
            judge(GUARD, side(100, 100), NOTHING, Mirrored(equal=1, different=99)),
            (
                "error rate 100.0 % over 100 requests in 60 s; allowed 1.0 %",
                "parity 1.0 % over 100 compared answers in 60 s; required 99 %",
            ),
        ),
        (
            judge(GUARD, side(50, 2), NOTHING, Mirrored()),
            ("error rate 4.0 % over 50 requests in 60 s; allowed 1.0 %; may be chance",),
        ),
        (
            judge(Guard(window=600, error_delta=0.25), side(50), NOTHING, Mirrored()),
            ("error rate 0.0 % over 50 requests in 600 s; allowed 25.0 %",),
        ),
        (judge(GUARD, side(12), side(50), Mirrored()), ("12 requests in 60 s, 50 are needed",)),
        (judge(GUARD, NOTHING, side(50), Mirrored(), shadow=True), ("nothing was compared in 60 s",)),
        (
            judge(GUARD, NOTHING, side(50), Mirrored(equal=50), shadow=True),
            ("parity 100.0 % over 50 compared answers in 60 s; required 99 %",),
        ),
        (
            judge(GUARD, NOTHING, side(50), Mirrored(equal=3), shadow=True),
            ("parity 100.0 % over 3 compared answers in 60 s; required 99 %; 50 are needed",),
        ),
    ],
)
def test_the_reasons_are_those_of_the_verdict_with_the_numbers(judgement, reasons):
    assert judgement.reasons == reasons


def test_slowness_is_said_with_both_percentiles():
    judgement = judge(Guard(p95_delta=1.0), side(100, 0, 1.5), side(100, 0, 0.1), Mirrored())
    assert len(judgement.reasons) == 1
    assert judgement.reasons[0].endswith(" over 100 requests in 60 s; allowed 100 % more")
    assert judgement.reasons[0].startswith("p95 1.63 s against legacy's 102 ms")


def test_a_judgement_reads_as_a_sentence():
    assert str(Judgement(FAILING, ("a", "b"))) == "failing: a; b"


# -- what holds for all numbers ------------------------------------------------------------------

COUNTS = st.integers(0, 300)
GUARDS = st.builds(
    Guard,
    minimum=st.integers(1, 100),
    error_delta=st.floats(0, 0.5),
    parity=st.floats(50, 100),
)


@st.composite
def sides(draw):
    requests = draw(COUNTS)
    return requests, draw(st.integers(0, requests))


@given(GUARDS, sides(), sides(), st.integers(1, 300))
def test_more_errors_never_make_a_service_look_better(guard, service, legacy, more):
    requests, errors = service
    before = verdict(side(requests, errors), side(*legacy), guard=guard)
    after = verdict(side(requests, min(errors + more, requests)), side(*legacy), guard=guard)
    assert WORSE.index(after) >= WORSE.index(before)


@given(GUARDS, sides(), sides(), st.integers(1, 300))
def test_errors_of_legacy_never_make_a_service_look_worse(guard, service, legacy, more):
    requests, errors = legacy
    before = verdict(side(*service), side(requests, errors), guard=guard)
    after = verdict(side(*service), side(requests, min(errors + more, requests)), guard=guard)
    assert WORSE.index(after) <= WORSE.index(before)


@given(GUARDS, COUNTS, COUNTS, st.integers(1, 300))
def test_more_differences_never_look_better(guard, equal, different, more):
    before = verdict(side(300), side(300), Mirrored(equal=equal + more, different=different), guard)
    after = verdict(side(300), side(300), Mirrored(equal=equal, different=different + more), guard)
    assert WORSE.index(after) >= WORSE.index(before)


@given(GUARDS, sides(), sides(), COUNTS)
def test_below_the_floor_nothing_is_healthy(guard, service, legacy, equal):
    if service[0] < guard.minimum:
        assert verdict(side(*service), side(*legacy), Mirrored(equal=equal), guard) is not HEALTHY
    if equal < guard.minimum:
        assert verdict(side(*service), side(*legacy), Mirrored(equal=equal), guard, shadow=True) is not HEALTHY


@given(GUARDS, sides(), sides(), COUNTS, COUNTS, st.booleans())
def test_a_verdict_always_has_a_reason(guard, service, legacy, equal, different, shadow):
    assert judge(
        guard, side(*service), side(*legacy), Mirrored(equal=equal, different=different), shadow=shadow
    ).reasons


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.001, 0.999))
def test_evidence_so_strong_comes_about_by_chance_no_more_often_than_said(of, failed, allowed):
    """Against the binomial distribution itself, with a rate that is just allowed."""
    failed = min(failed, of)
    by_chance = sum(comb(of, k) * allowed**k * (1 - allowed) ** (of - k) for k in range(failed, of + 1))
    assert by_chance <= exp(-excess(failed, of, allowed)) + 1e-9


def binomial(of, rate):
    """How probable each number of failures is, as far as it matters."""
    probable = {k: comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(min(of, 200) + 1)}
    return {k: probability for k, probability in probable.items() if probability > 1e-9}


@pytest.mark.parametrize(
    ("service", "legacy", "at_least", "at_most", "naively"),
    [
        ((60, 0.01), (1140, 0.01), 0, 0.00004, 0.16),
        ((60, 0.02), (1140, 0.02), 0, 0.0001, 0.29),
        ((1000, 0.02), (50, 0.02), 0, 0.000001, 0.37),
        ((60, 0.10), (1140, 0.01), 0.50, 0.52, 0.99),
        ((60, 0.20), (1140, 0.01), 0.98, 1, 1.00),
    ],
)
def test_a_service_as_good_as_legacy_is_left_alone_and_a_bad_one_is_not(service, legacy, at_least, at_most, naively):
    """The table of docs/guard.md: every outcome of a window, by its probability."""
    failing = naive = 0.0
    for errors, probability in binomial(*service).items():
        for its, also in binomial(*legacy).items():
            failing += probability * also * (verdict(Tally(service[0], errors), Tally(legacy[0], its)) is FAILING)
            naive += probability * also * (errors / service[0] - its / legacy[0] > 0.01)
    assert at_least <= failing <= at_most
    assert naive == pytest.approx(naively, abs=0.01)


@given(sides(), sides(), st.floats(0, 1))
def test_no_pair_of_rates_within_what_is_allowed_is_likelier_than_the_one_weighed(service, legacy, delta):
    """`excess_over` looks for it by halving; here all of a grid are tried."""
    found = excess_over(side(*service), side(*legacy), delta)
    rates = [number / 200 for number in range(201)] if legacy[0] else [0.0]
    tried = [
        excess(*service, min(rate + delta, 1.0))
        + excess(*legacy, rate)
        + excess(legacy[0] - legacy[1], legacy[0], 1 - rate)
        for rate in rates
    ]
    assert found <= min(tried) + 1e-6


def test_one_who_always_answers_is_weighed_against_one_who_does_nearly():
    """Where both ends of the search are certain rates, there is no number to divide by."""
    assert excess_over(side(300, 300), side(1, 0), 0.01) == pytest.approx(4.605, rel=1e-3)
    assert excess_over(side(300, 300), side(300, 0), 0.0) == pytest.approx(600 * 0.693147, rel=1e-3)


# -- the ramp -----------------------------------------------------------------------------------

STEPS = (1, 5, 25, 50, 100)
GOOD, BAD, UNCLEAR = Judgement(HEALTHY, ("good",)), Judgement(FAILING, ("bad",)), Judgement(INCONCLUSIVE, ("few",))
REASON = "healthy after 600 s: good"


def step(judgement=GOOD, *, stage="canary", weight=5.0, steps=STEPS, now=600.0, paused=False):
    """What becomes of a route `now` seconds after its present step began."""
    return next_step(
        judgement,
        stage=stage,
        weight=weight,
        steps=steps,
        interval=600.0,
        since=1000.0,
        now=1000.0 + now,
        paused=paused,
    )


@pytest.mark.parametrize(
    ("weight", "to", "at"),
    [
        (1, "canary", 5),
        (7, "canary", 25),  # put between two steps by hand
        (50, "canary", 100),
        (100, "live", None),
    ],
)
def test_while_healthy_it_goes_on_to_the_next_step(weight, to, at):
    assert step(weight=weight) == Promote(to, at, REASON)


@pytest.mark.parametrize("stage", ["legacy", "shadow", "canary", "live", "retired"])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("now", [0.0, 600.0])
@pytest.mark.parametrize("steps", [(), STEPS])
def test_a_failing_service_is_rolled_back_where_callers_get_its_answers(stage, paused, now, steps):
    rolled_back = step(BAD, stage=stage, paused=paused, now=now, steps=steps) == RollBack("bad")
    assert rolled_back == (stage in ("canary", "live"))


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ({"now": 599.0}, "healthy for 599 of 600 s"),
        ({"paused": True}, "paused (healthy: good)"),
        ({"steps": ()}, "no steps are declared"),
        ({"judgement": UNCLEAR}, "inconclusive: few"),
        ({"stage": "shadow"}, "no ramp leads on from stage shadow"),
        ({"judgement": BAD, "stage": "shadow"}, "no ramp leads on from stage shadow"),
        ({"stage": "legacy"}, "no ramp leads on from stage legacy"),
        ({"stage": "live"}, "no ramp leads on from stage live"),
        ({"stage": "retired"}, "no ramp leads on from stage retired"),
    ],
)
def test_otherwise_it_stays_and_says_why(held, why):
    assert step(**held) == Hold(why)


@given(
    st.sampled_from([GOOD, UNCLEAR, BAD]),
    st.sampled_from(["legacy", "shadow", "canary", "live", "retired"]),
    st.floats(0, 100),
    st.lists(st.integers(1, 100), unique=True).map(sorted),
    st.floats(0, 1200),
    st.booleans(),
)
def test_only_a_healthy_one_is_promoted_and_only_upwards(judgement, stage, weight, steps, now, paused):
    decided = step(judgement, stage=stage, weight=weight, steps=steps, now=now, paused=paused)
    if isinstance(decided, Promote):
        assert (judgement, paused, now >= 600) == (GOOD, False, True)
        assert stage == "canary"
        assert decided.stage == "live" or decided.weight > weight


@pytest.mark.parametrize(("since", "start"), [(0, 940), (970, 970), (1000, 1000)])
def test_what_was_before_the_present_step_is_not_judged(since, start):
    """Otherwise a route that was rolled back and promoted again would be rolled back for its past."""
    assert GUARD.counts_from(1000, since) == start


# -- configuration ------------------------------------------------------------------------------


def test_the_defaults_are_the_guards():
    assert GuardConfig.model_validate({}).guard() == Guard()


def test_each_key_is_a_field_of_the_guard():
    table = {"window": 300, "minimum": 20, "error_delta": 0, "p95_delta": 1, "p95_floor": 0.05, "parity": 95}
    assert GuardConfig.model_validate(table).guard() == Guard(300, 20, 0, 1, 0.05, 95)
    least = {"window": 10, "minimum": 1, "error_delta": 0, "p95_delta": 0, "p95_floor": 0, "parity": 0}
    assert GuardConfig.model_validate(least).guard() == Guard(10, 1, 0, 0, 0, 0)
    assert GuardConfig.model_validate({"p95_delta": False}).guard().p95_delta is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("window", 9),
        ("window", 86401),
        ("window", "60"),
        ("minimum", 0),
        ("error_delta", -0.1),
        ("error_delta", 1.1),
        ("p95_delta", True),
        ("p95_delta", -0.1),
        ("p95_floor", -1),
        ("parity", 101),
        ("parity", float("nan")),
        ("windows", 60),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(key, value):
    with pytest.raises(ValidationError) as raised:
        GuardConfig.model_validate({key: value})
    assert {error["loc"][0] for error in raised.value.errors()} == {key}


# -- one caller alone -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failing", "callers", "verdict"),
    [
        ({1}, {1, 2, 3}, Verdict.INCONCLUSIVE),
        ({1, 2}, {1, 2, 3}, Verdict.INCONCLUSIVE),
        ({9}, {1, 2, 3}, Verdict.INCONCLUSIVE),
        ({1, 2, 3}, {1, 2, 3}, Verdict.FAILING),
        ({7, 8, 9}, {1, 2, 3}, Verdict.FAILING),
        ({1}, {1}, Verdict.FAILING),
        ({1, 2}, {1, 2}, Verdict.FAILING),
        (set(), set(), Verdict.FAILING),
    ],
)
def test_few_of_many_callers_alone_can_not_make_a_service_fail(failing, callers, verdict):
    service = Tally(100, errors=60, callers=callers, failing=failing)
    assert judge(Guard(), service, Tally(1000), Mirrored()).verdict is verdict
    mirrored = Mirrored(mirrored=100, equal=40, different=60, callers=callers, differing=failing)
    assert judge(Guard(), Tally(100), Tally(1000), mirrored).verdict is verdict


def test_and_the_reason_says_so():
    service = Tally(100, errors=60, callers={1, 2, 3}, failing={1})
    assert "; only 1 caller had them" in str(judge(Guard(), service, Tally(1000), Mirrored()))


def test_a_critical_difference_of_one_caller_is_enough():
    mirrored = Mirrored(mirrored=100, equal=99, different=1, critical=1, callers={1, 2, 3}, differing={1})
    assert judge(Guard(), Tally(100), Tally(1000), mirrored).verdict is Verdict.FAILING


# -- sample ratio mismatch ------------------------------------------------------------------------


def split(service, legacy, weight):
    sides = Tally(500, buckets=set(range(service))), Tally(500, buckets=set(range(service, service + legacy)))
    return judge(Guard(), *sides, Mirrored(), weight=weight)


@pytest.mark.parametrize(
    ("service", "legacy", "weight", "verdict"),
    [
        (50, 950, 5, Verdict.HEALTHY),
        (60, 940, 5, Verdict.HEALTHY),
        (20, 980, 5, Verdict.INCONCLUSIVE),  # the service's processes crash, say, before they have counted
        (0, 1000, 5, Verdict.INCONCLUSIVE),
        (120, 880, 5, Verdict.INCONCLUSIVE),
        (0, 90, 5, Verdict.HEALTHY),  # 4.5 expected: too few to tell
        (100, 0, 100, Verdict.HEALTHY),
    ],
)
def test_a_split_other_than_the_weight_says_is_not_healthy(service, legacy, weight, verdict):
    assert split(service, legacy, weight).verdict is verdict


def test_and_says_both_shares():
    assert str(split(20, 980, 5)) == (
        "inconclusive: sample ratio mismatch: 2.0 % of the callers were answered by the service, where the weight says "
        "5.0 %"
    )


def test_without_a_weight_no_split_is_expected():
    assert judge(Guard(), Tally(500), Tally(500, buckets=set(range(500))), Mirrored()).verdict is Verdict.HEALTHY
