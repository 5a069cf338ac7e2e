"""What a promotion needs, and what it is told where that is missing."""

from __future__ import annotations

import pytest

from gateway.rollout.evidence import Evidence, Replayed, missing
from gateway.rollout.guard import Judgement, Verdict
from gateway.rollout.stage import State

HEALTHY = Judgement(Verdict.HEALTHY, ("parity 100.0 % over 60 compared answers",))
FAILING = Judgement(Verdict.FAILING, ("error rate 9.0 %",))
INCONCLUSIVE = Judgement(Verdict.INCONCLUSIVE, ("nothing was compared in 60 s",))
PROVED = Evidence(HEALTHY, HEALTHY)

LEGACY, SHADOW, CANARY, LIVE = State("legacy"), State("shadow"), State("canary", 10.0), State("live")
UP = [(SHADOW, CANARY), (SHADOW, LIVE), (CANARY, State("canary", 25.0)), (CANARY, LIVE), (LIVE, State("retired"))]


def test_to_be_compared_needs_nothing():
    assert missing(Evidence(FAILING, FAILING, open=9), LEGACY, SHADOW, "catalog") == ()


@pytest.mark.parametrize(("state", "to"), UP)
def test_a_healthy_verdict_without_open_differences_is_enough(state, to):
    assert missing(PROVED, state, to, "catalog") == ()


@pytest.mark.parametrize("to", [CANARY, LIVE])
def test_nobody_gets_answers_that_were_never_compared(to):
    (said,) = missing(PROVED, LEGACY, to, "catalog")
    assert said == "nothing was compared: `gateway promote catalog --to shadow` compares, and no caller notices"


@pytest.mark.parametrize(("state", "to"), UP)
@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence(FAILING, HEALTHY), "failing, error rate 9.0 %: fix the service, and restart the servers"),
        (
            Evidence(INCONCLUSIVE, HEALTHY),
            "inconclusive, nothing was compared in 60 s: wait for more requests; `gateway status catalog` counts them",
        ),
        (Evidence(HEALTHY, FAILING), "failing now, error rate 9.0 %"),
        (
            Evidence(HEALTHY, INCONCLUSIVE, open=2),
            "2 breaking differences are open: `gateway diffs catalog` shows what to fix, to accept or to resolve",
        ),
    ],
)
def test_what_is_missing_is_said(state, to, evidence, said):
    assert missing(evidence, state, to, "catalog") == (said,)


def test_a_canary_that_nobody_compared_goes_no_further():
    evidence = Evidence(HEALTHY, HEALTHY, compared=9, minimum=10)
    (said,) = missing(evidence, CANARY, LIVE, "catalog")
    assert said == (
        "9 answers of this release compared in the last two hours, 10 are needed: wait for more, or raise `canary` in "
        "[routes.mirror]"
    )
    assert missing(Evidence(HEALTHY, HEALTHY, compared=10, minimum=10), CANARY, LIVE, "catalog") == ()


def test_one_that_nobody_will_compare_says_what_to_set():
    evidence = Evidence(HEALTHY, HEALTHY, minimum=10, mirrored=False)
    (said,) = missing(evidence, CANARY, LIVE, "catalog")
    assert said == (
        "0 answers of this release compared in the last two hours, 10 are needed, and nothing is compared in canary: "
        "set `canary` in [routes.mirror]"
    )


def test_all_that_is_missing_is_said_at_once():
    assert len(missing(Evidence(FAILING, FAILING, open=1), SHADOW, CANARY, "catalog")) == 2


def test_a_route_of_writes_says_what_could_be_evidence():
    (said,) = missing(Evidence(INCONCLUSIVE, INCONCLUSIVE, unmirrored=True), SHADOW, CANARY, "orders")
    assert said.startswith("it takes only writes, and no writes are mirrored: `methods` in [routes.mirror]")


def test_for_a_route_of_writes_a_replay_is_evidence():
    evidence = Evidence(INCONCLUSIVE, INCONCLUSIVE, unmirrored=True, replayed=Replayed(12, 0, frozenset({"POST"})))
    assert missing(evidence, SHADOW, CANARY, "orders") == ()


@pytest.mark.parametrize(
    ("methods", "accepted", "named"),
    [
        ({"POST"}, set(), "no POST"),
        ({"POST", "DELETE", "PATCH"}, {"PATCH"}, "no DELETE and no POST"),
        (set(), set(), "no request"),
    ],
)
def test_a_replay_proves_a_write_only_where_legacy_accepts_one(methods, accepted, named):
    replayed = Replayed(12, 0, frozenset(accepted))
    evidence = Evidence(INCONCLUSIVE, INCONCLUSIVE, unmirrored=True, methods=frozenset(methods), replayed=replayed)
    (said,) = missing(evidence, SHADOW, CANARY, "orders")
    assert said.startswith(f"{named} of the last replay was one that legacy accepts: `gateway record` more")


@pytest.mark.parametrize(("state", "to"), UP)
def test_what_a_replay_found_holds_a_route(state, to):
    (said,) = missing(Evidence(HEALTHY, HEALTHY, replayed=Replayed(12, 2)), state, to, "orders")
    assert said == (
        "2 of 12 cases differed in the last replay of this release: fix the service, and `gateway replay` again"
    )


def test_a_replay_that_compared_nothing_proves_nothing():
    evidence = Evidence(INCONCLUSIVE, INCONCLUSIVE, unmirrored=True, replayed=Replayed(0, 0))
    assert len(missing(evidence, SHADOW, CANARY, "orders")) == 1
