"""Asks hooks before a promotion."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.config.hooks import Hook
from gateway.control.hooks.events import Event
from gateway.control.hooks.outcome import CallResult
from gateway.control.hooks.sending import HookCall

__all__ = ["Refusal", "answers", "ask", "questions"]

logger = logging.getLogger("gateway.hooks")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a hook prevents a promotion; `failed`: it did not answer, and its `on_error` is "refuse"."""

    hook: str
    reason: str
    failed: bool = False

    def __str__(self) -> str:
        if not self.failed:
            return f"hook {self.hook!r} refuses: {self.reason}"
        return (
            f"hook {self.hook!r} {self.reason}: repair it (`gateway hooks test {self.hook}` tries it), or write"
            f' on_error = "allow" in [hooks.{self.hook}]'
        )


def ask(hooks: Sequence[Hook], event: Event) -> tuple[Refusal, ...]:
    """Ask `hooks` at the same time, and wait for the answers. Takes as long as the longest of their time-outs."""
    asked = questions(hooks, event)
    return answers(asked, [attempt.wait() for attempt in asked])


def questions(hooks: Sequence[Hook], event: Event) -> list[HookCall]:
    """Begin to ask each of `hooks`."""
    payload = event.payload()
    return [HookCall(hook, payload) for hook in hooks]


def answers(asked: Sequence[HookCall], outcomes: Sequence[CallResult]) -> tuple[Refusal, ...]:
    """The refusals in the `outcomes` of what was asked."""
    found = []
    for attempt, outcome in zip(asked, outcomes, strict=True):
        hook = attempt.hook
        if outcome.reason is not None:
            found.append(Refusal(hook.name, outcome.reason))
        elif not outcome.ok and hook.on_error == "refuse":
            found.append(Refusal(hook.name, outcome.problem, failed=True))
        elif not outcome.ok:
            logger.warning("hook %r %s; it does not prevent the promotion", hook.name, outcome.problem)
    return tuple(found)
