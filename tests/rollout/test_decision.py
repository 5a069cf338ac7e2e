"""Which upstream answers, and why."""

from __future__ import annotations

import pytest

from gateway.rollout.decision import LEGACY, at_stage, decide
from gateway.routing.table import OTHER_METHODS, Match

DECISIONS = {"items": at_stage("items", "live", "catalog"), "waiting": at_stage("waiting", "legacy", "catalog")}


@pytest.mark.parametrize(
    ("match", "upstream", "route", "reason"),
    [
        (None, LEGACY, None, "no route claims this path"),
        (OTHER_METHODS, LEGACY, None, "the path is claimed, but not for this method"),
        (Match("items"), "catalog", "items", "route 'items' is live"),
        (Match("waiting"), LEGACY, "waiting", "route 'waiting' is at stage legacy"),
    ],
)
def test_a_decision_says_who_answers_and_why(match, upstream, route, reason):
    decision = decide(match, DECISIONS)
    assert (decision.upstream, decision.route, decision.reason) == (upstream, route, reason)


def test_the_same_match_gets_the_same_decision():
    assert decide(Match("items"), DECISIONS) is decide(Match("items"), DECISIONS)
