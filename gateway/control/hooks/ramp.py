"""Asks hooks before the ramp promotes a route, without waiting for them: the thread that asks also runs the guard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.clock import Clock, utc_now
from gateway.config.hooks import Hook
from gateway.control.hooks.asking import Refusal, answers, questions
from gateway.control.hooks.events import Event
from gateway.control.hooks.outbox import mark, note, noted
from gateway.control.hooks.sending import HookCall

__all__ = ["RampQuestions", "Unanswered", "refusal", "remember"]

AGAIN = timedelta(minutes=1)  # until hooks of a route are asked again, by whichever process
REMEMBERED = 3 * AGAIN  # a refusal, for `gateway status`


class Unanswered(Exception):
    """The hooks were asked, here or by another process, and have not answered yet."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked of the hooks of a route, at which revision of it."""

    revision: int
    asked: list[HookCall]


class RampQuestions:
    """The questions of one process, by route."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._questions: dict[str, _Question] = {}

    def ask(self, hooks: Sequence[Hook], event: Event) -> Sequence[Refusal]:
        """As `asking.ask`, but raises Unanswered until there are answers. Each answer is given once."""
        route, revision = event.data["route"], event.data["revision"]
        question = self._questions.get(route)
        if question is None or question.revision != revision:
            now = utc_now(self._clock)
            if mark(f"before_promote {route}", now, now - AGAIN):
                self._questions[route] = _Question(revision, questions(hooks, event))
            raise Unanswered
        outcomes = [attempt.outcome for attempt in question.asked]
        given = [outcome for outcome in outcomes if outcome is not None]
        if len(given) < len(outcomes):
            raise Unanswered
        del self._questions[route]
        return answers(question.asked, given)

    def pending(self, route: str) -> bool:
        """Whether hooks of `route` were asked here."""
        return route in self._questions


def remember(route: str, revision: int, refusals: Sequence[Refusal], now: datetime) -> None:
    """Store why the ramp is held, for `refusal`."""
    note(f"refused {route} {revision}", "; ".join(map(str, refusals)), now)


def refusal(route: str, revision: int, now: datetime) -> str:
    """Why hooks hold the ramp of a route at this revision, in words; "" if they don't."""
    return noted(f"refused {route} {revision}", now - REMEMBERED)
