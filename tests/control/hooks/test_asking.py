"""Before a promotion: hooks may refuse it; a rollback asks nobody."""

from __future__ import annotations

import threading

import pytest

from gateway.control.hooks import Refuse
from gateway.control.models import Change
from gateway.control.transitions import (
    Conflict,
    RefusedByHooks,
    Unproved,
    clear,
    current_state,
    promote,
    resume,
    rollback,
)
from gateway.rollout.stage import State
from tests.control.conftest import make_route
from tests.control.hooks.conftest import answers, called, calls, make_hook
from tests.support.receiver import Answer

pytestmark = pytest.mark.django_db

ASKS = {"events": ["before_promote"]}


def asking(*hooks, **table):
    return make_route(**table).with_hooks(hooks or [called("freeze", **ASKS)])


def test_it_is_asked_with_what_is_to_happen_and_allows_it():
    assert promote(asking(), who="ana", why="ready").after == State("shadow")
    (event,) = calls
    assert event["type"] == "before_promote"
    assert event["data"] == {
        "route": "catalog",
        "service": "items",
        "from": {"stage": "legacy", "weight_percent": None, "paused": False},
        "to": {"stage": "shadow", "weight_percent": None, "paused": False},
        "who": "ana",
        "why": "ready",
        "revision": 0,
    }


def test_a_refusal_says_which_hook_and_why_and_nothing_is_done():
    answers.append(Refuse("change freeze until Monday"))
    with pytest.raises(RefusedByHooks) as caught:
        promote(asking(), who="ana")
    said = "'catalog' can't go to shadow: hook 'freeze' refuses: change freeze until Monday"
    assert (str(caught.value), Change.objects.count()) == (said, 0)


def test_one_that_does_not_answer_refuses_too_and_the_message_says_what_to_do(receiver):
    receiver.answer = lambda _: Answer(500)
    with pytest.raises(RefusedByHooks) as caught:
        promote(asking(make_hook("freeze", url=receiver.url, **ASKS)), who="ana")
    assert str(caught.value).endswith(
        "hook 'freeze' answered 500: repair it (`gateway hooks test freeze` tries it), or write on_error = \"allow\""
        " in [hooks.freeze]"
    )


def test_nor_does_one_that_takes_too_long(receiver):
    over = threading.Event()
    receiver.answer = lambda _: over.wait() and Answer()
    with pytest.raises(RefusedByHooks, match=r"hook 'freeze' did not answer in 0.05 s"):
        promote(asking(make_hook("freeze", url=receiver.url, timeout=0.05, **ASKS)), who="ana")
    over.set()


def test_unless_it_says_otherwise(receiver, caplog):
    receiver.answer = lambda _: Answer(500)
    assert promote(asking(make_hook(url=receiver.url, on_error="allow", **ASKS)), who="ana").after == State("shadow")
    assert "hook 'ops' answered 500; it does not prevent the promotion" in caplog.text


def test_a_refusal_counts_whatever_on_error_says():
    answers.append("no")
    with pytest.raises(RefusedByHooks):
        promote(asking(called(on_error="allow", **ASKS)), who="ana")


def test_anyway_goes_on_and_the_audit_log_says_so():
    answers.append("change freeze")
    moved = promote(asking(), who="ana", anyway=True, why="the old endpoint is wrong")
    assert (moved.anyway, moved.why) == (True, "the old endpoint is wrong (hook 'freeze' refused: change freeze)")
    row = Change.objects.get()
    assert (row.anyway, row.why) == (moved.anyway, moved.why)
    assert "ana promoted 'catalog' anyway from legacy to shadow" in str(moved)


def test_all_are_asked_and_every_refusal_is_named():
    answers.extend(["first", "second"])
    with pytest.raises(RefusedByHooks) as caught:
        promote(asking(called("one", **ASKS), called("two", **ASKS)), who="ana")
    assert {refusal.reason for refusal in caught.value.refusals} == {"first", "second"}
    assert [refusal.hook for refusal in caught.value.refusals] == ["one", "two"]


def test_evidence_comes_first_and_then_nobody_is_asked():
    with pytest.raises(Unproved):
        promote(asking(), who="ana", to="live")
    assert calls == []


def test_a_clear_that_promotes_asks_and_one_that_does_not_asks_nobody():
    route = asking(stage="live")
    rollback(route, who="ana")
    assert calls == []
    answers.append("no")
    with pytest.raises(RefusedByHooks):
        clear(asking(stage="shadow"), who="ana")
    assert calls[0]["type"] == "before_promote"
    clear(asking(stage="legacy"), who="ana")
    assert len(calls) == 1


def test_no_other_verb_asks():
    route = asking(stage="canary", weight=5)
    rollback(route, who="ana", to="canary", weight=1)
    with pytest.raises(ValueError, match="not paused"):
        resume(route, who="ana")
    assert calls == []


def test_a_hook_of_another_route_is_not_asked():
    route = make_route().with_hooks([called(routes=["cart"], **ASKS)])
    promote(route, who="ana")
    assert calls == []


def test_who_rolls_back_while_a_hook_is_asked_wins():
    route = asking(stage="shadow")
    with pytest.raises(Conflict, match="ben rolled back 'catalog'"):
        promote(route, who="ana", anyway=True, why="tested", ask=meanwhile(lambda: rollback(route, who="ben")))
    assert current_state(route).state == State("legacy")


def meanwhile(move):
    """Hooks that allow everything, while `move` happens."""

    def ask(hooks, event):
        move()
        return ()

    return ask
