"""How operators move a route, and which moves there are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rollout.stage import STAGES, IllegalMove, State, paused, promoted, resumed, rolled_back

STEPS = (1.0, 5.0, 25.0, 50.0, 100.0)
weights = st.integers(1, 10_000).map(lambda hundredths: hundredths / 100)
states = st.one_of(
    st.sampled_from(["legacy", "shadow", "live", "retired"]).map(State),
    weights.map(lambda weight: State("canary", weight)),
)


@pytest.mark.parametrize(
    ("state", "options", "becomes"),
    [
        (State("legacy"), {}, State("shadow")),
        (State("shadow"), {}, State("canary", 1)),
        (State("shadow"), {"weight": 10}, State("canary", 10)),
        (State("canary", 1), {}, State("canary", 5)),
        (State("canary", 7), {}, State("canary", 25)),
        (State("canary", 5), {"weight": 60}, State("canary", 60)),
        (State("canary", 100), {}, State("live")),
        (State("canary", 100), {"to": "live"}, State("live")),
        (State("legacy"), {"to": "live"}, State("live")),
        (State("legacy"), {"to": "canary"}, State("canary", 1)),
        (State("legacy"), {"to": "canary", "weight": 30}, State("canary", 30)),
        (State("live"), {}, State("retired")),
        (State("canary", 5, paused=True), {}, State("canary", 25, paused=True)),
        (State("live", paused=True), {}, State("retired")),
    ],
)
def test_promote_goes_one_stage_or_one_step_up(state, options, becomes):
    assert promoted(state, STEPS, **options) == becomes


@pytest.mark.parametrize(
    ("state", "options", "says"),
    [
        (State("retired"), {}, "there is no stage above"),
        (State("legacy"), {"weight": 10}, "a weight goes with canary; from legacy, promote goes to shadow"),
        (State("live"), {"weight": 10}, "a weight goes with canary"),
        (State("canary", 25), {"weight": 25}, "at canary at 25 % already"),
        (State("canary", 25), {"weight": 5}, "rollback goes down, to canary at 5 %"),
        (State("live"), {"to": "shadow"}, "rollback goes down, to shadow"),
        (State("shadow"), {"weight": 101}, "weight 101: more than 0, at most 100"),
        (State("shadow"), {"weight": 0}, "weight 0: more than 0"),
        (State("shadow"), {"to": "beta"}, "there is no stage 'beta'; it is one of legacy"),
    ],
)
def test_what_is_no_way_up_is_refused_with_the_way_that_there_is(state, options, says):
    with pytest.raises(IllegalMove, match=says):
        promoted(state, STEPS, **options)


@pytest.mark.parametrize("stage", ["shadow", "canary", "live"])
def test_rollback_goes_to_legacy_from_anywhere(stage):
    assert rolled_back(State(stage, 50 if stage == "canary" else 0)) == State("legacy")


@pytest.mark.parametrize(
    ("state", "options", "becomes"),
    [
        (State("live"), {"to": "shadow"}, State("shadow")),
        (State("live"), {"to": "canary", "weight": 10}, State("canary", 10)),
        (State("canary", 50), {"to": "canary", "weight": 5}, State("canary", 5)),
        (State("retired"), {"force": True}, State("legacy")),
        (State("canary", 50, paused=True), {}, State("legacy")),
    ],
)
def test_rollback_can_stop_on_the_way(state, options, becomes):
    assert rolled_back(state, **options) == becomes


@pytest.mark.parametrize(
    ("state", "options", "says"),
    [
        (State("legacy"), {}, "the route is at legacy: rollback goes down"),
        (State("shadow"), {"to": "live"}, "live isn't lower"),
        (State("canary", 5), {"to": "canary", "weight": 10}, "isn't lower"),
        (State("live"), {"to": "canary"}, "rolling back to canary takes a weight"),
        (State("live"), {"weight": 5}, "and no other stage does"),
        (State("live"), {"to": "beta"}, "there is no stage 'beta'"),
        (State("retired"), {}, "--force rolls back all the same"),
    ],
)
def test_what_is_no_way_down_is_refused(state, options, says):
    with pytest.raises(IllegalMove, match=says):
        rolled_back(state, **options)


def test_pause_and_resume_hold_the_ramp_and_nothing_else():
    state = State("canary", 5)
    assert paused(state) == State("canary", 5, paused=True)
    assert resumed(paused(state)) == state


@pytest.mark.parametrize(
    ("move", "state"),
    [(paused, State("canary", 5, paused=True)), (paused, State("retired")), (resumed, State("canary", 5))],
)
def test_there_is_nothing_to_pause_or_resume_twice(move, state):
    with pytest.raises(IllegalMove):
        move(state)


@pytest.mark.parametrize("fields", [("beta",), ("live", 5), ("canary", -1), ("canary", 101)])
def test_a_state_that_can_not_be_is_an_error(fields):
    with pytest.raises(ValueError, match=r"stage|weight"):
        State(*fields)


@given(states, st.lists(weights, min_size=1, unique=True).map(sorted))
def test_promoting_always_goes_up_and_always_ends(state, steps):
    for _ in range(len(steps) + len(STAGES)):
        if state.stage == "retired":
            return
        higher = promoted(state, steps)
        assert higher.height > state.height
        state = higher
    raise AssertionError(f"still at {state}")


@given(states)
def test_one_rollback_leads_back_from_everywhere_but_legacy(state):
    if state.stage != "legacy":
        assert rolled_back(state, force=True) == State("legacy")
