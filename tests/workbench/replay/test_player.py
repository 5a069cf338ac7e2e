"""What a player makes of the two responses to a case, whatever gives them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.parity.answer import Answer, Sql
from gateway.rollout.decision import LEGACY
from gateway.workbench.replay.player import Player


class Asker:
    """Each side takes its seconds, and answers with this status."""

    def __init__(self, status, **seconds):
        self._status, self._seconds = status, seconds

    def ask(self, _prepared, upstream):
        seconds = self._seconds["legacy" if upstream == LEGACY else "service"]
        return SimpleNamespace(answer=Answer(self._status, (), b"", seconds, Sql((), 0)))


def slower(status, *, legacy, service):
    asker = Asker(status, legacy=legacy, service=service)
    player = Player(asker, None, SimpleNamespace(routes={"r": SimpleNamespace(config=None, guard=None)}))
    prepared = SimpleNamespace(policy=SimpleNamespace(route="r", service="s"))
    sides = (asker.ask(None, side).answer for side in (LEGACY, "s"))
    return [one.message for one in player._slower(prepared, *sides)]


@pytest.mark.parametrize("status", [200, 404])
def test_a_service_that_takes_far_longer_is_slower(status):
    (message,) = slower(status, legacy=0.02, service=0.9)
    assert message == "the service is slower: 900 ms where legacy takes 20 ms, each the fastest of three"


def test_a_little_longer_is_not_slower():
    assert slower(200, legacy=0.02, service=0.1) == []


def test_of_a_view_that_fails_the_time_says_nothing():
    assert slower(500, legacy=0.02, service=0.9) == []
