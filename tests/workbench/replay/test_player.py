"""What a player makes of the two responses to a case, whatever gives them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from gateway.config.guard import Guard
from gateway.parity.answer import Answer, Sql
from gateway.parity.intentions import Intention
from gateway.parity.redact.redaction import Redaction
from gateway.parity.rules import CompareRules
from gateway.rollout.decision import LEGACY
from gateway.workbench.corpus import Case, RecordedResponse
from gateway.workbench.replay.asker import Answered
from gateway.workbench.replay.player import Player
from gateway.workbench.replay.result import CaseResult, Outcome
from gateway.workbench.replay.task import Task


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


# -- a whole case -----------------------------------------------------------------------------------

CASE = Case("/books/", "GET", "/books/", answer=RecordedResponse(200, (), b"recorded"))


def said(body: bytes = b"same", status: int = 200, headers: object = (), **more: object) -> Answered:
    """What a side does."""
    answer = Answer(status, headers, body, 0.01, Sql((), 0), more.pop("failed", None))
    return Answered(answer, {}, **more)


class Played:
    """Legacy and the service do this, the last of it again and again."""

    def __init__(self, legacy: list[Answered], service: list[Answered]) -> None:
        self._sides = {LEGACY: legacy, "s": service}

    def prepare(self, case: Case, _acting: str | None) -> SimpleNamespace:
        return SimpleNamespace(policy=SimpleNamespace(route="r", service="s"), sent=b"", case=case)

    def ask(self, _prepared: object, upstream: str) -> Answered:
        side = self._sides[upstream]
        return side.pop(0) if len(side) > 1 else side[0]


def played(legacy: Answered, service: Answered, *later: Answered, case: Case = CASE, **more: object) -> CaseResult:
    """The result of a case; `later` is what the service does from the second time on."""
    rules = SimpleNamespace(of=lambda _: (CompareRules(), Redaction(b"key")))
    snapshot = SimpleNamespace(routes={"r": SimpleNamespace(guard=None)})
    return Player(Played([legacy], [service, *later]), rules, snapshot, **more).play(Task(1, case))


CALL = Intention("request", "POST https://pay.example/", None)
UNDECODED = "content-encoding 'br' can't be decoded here"
BROTLI = ((b"content-type", b"application/json"), (b"content-encoding", b"br"))


@pytest.mark.parametrize(
    ("legacy", "service", "reason"),
    [
        (said(failed="timeout"), said(), "legacy gives no answer: timeout"),
        (said(), said(refused="it would use pay.example"), "it would use pay.example"),
        (
            said(b"1", headers=BROTLI),
            said(b"2", headers=BROTLI),
            f"can't be compared: legacy: {UNDECODED}; the service: {UNDECODED}",
        ),
    ],
)
def test_what_proves_nothing_is_skipped_with_the_reason(legacy, service, reason):
    found = played(legacy, service)
    assert (found.outcome, found.reason) == (Outcome.SKIPPED, reason)


def test_of_a_service_that_asks_for_what_was_not_recorded_only_what_it_asks_for_is_compared():
    found = played(said(b"one"), said(b"two", intentions=(CALL,), refused="it would use pay.example"))
    assert (found.outcome, [one.kind for one in found.findings]) == (Outcome.DIFFERENT, ["effect"])


def test_what_differs_once_is_noise():
    found = played(said(b"one"), said(b"two"), said(b"one"))
    assert (found.outcome, found.findings, found.noise) == (Outcome.EQUAL, (), 1)


def test_what_differs_again_is_found():
    found = played(said(b"one"), said(b"two"))
    assert (found.outcome, len(found.findings), found.noise) == (Outcome.DIFFERENT, 1, 0)


@pytest.mark.parametrize(
    ("case", "service", "reason"),
    [
        (replace(CASE, answer=None), said(), "nothing was recorded of its answer"),
        (CASE, said(refused="it would use pay.example"), "it would use pay.example"),
    ],
)
def test_what_can_not_be_compared_with_the_recording_is_skipped(case, service, reason):
    found = played(said(), service, case=case, side="service")
    assert (found.outcome, found.reason) == (Outcome.SKIPPED, reason)


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        ([said(b"recorded")], "equal"),
        ([said(b"other")], "different"),
        ([said(b"other"), said(b"recorded")], "equal"),
    ],
)
def test_a_side_differs_from_the_recording_where_it_does_so_again(now, outcome):
    first, *later = now
    assert played(said(), first, *later, side="service", redacted=False).outcome == outcome


def test_where_the_guard_does_not_look_at_time_a_service_may_take_longer():
    asker = Asker(200, legacy=0.02, service=9)
    guarded = SimpleNamespace(guard=SimpleNamespace(guard=lambda: Guard(p95_delta=None)))
    player = Player(asker, None, SimpleNamespace(routes={"r": guarded}))
    prepared = SimpleNamespace(policy=SimpleNamespace(route="r", service="s"))
    assert [*player._slower(prepared, *(asker.ask(None, side).answer for side in (LEGACY, "s")))] == []
