"""Delivers stored events: in the processes that serve, or in a command if there are none."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.clock import SYSTEM, Clock, utc_now
from gateway.config.hooks import Hook
from gateway.control.database import until_done
from gateway.control.hooks.outbox import claim, due, settle
from gateway.control.hooks.sending import MOST_LEFT, HookCall
from gateway.control.models import HookDelivery
from gateway.randomness import RANDOMNESS, Randomness

__all__ = ["Deliverer", "deliver_now"]

SHORTLY = 3.0  # seconds that a command, or a process that ends, gives all hooks together
STEP = 0.02  # seconds between two looks, there


@dataclass(slots=True)
class _Delivery:
    """A claimed event, and the attempt to deliver it."""

    row: HookDelivery
    attempt: HookCall


class Deliverer:
    """Calls `hooks`, each at most once at a time, so that a slow one delays no other.

    Only the thread that calls `work` uses the database.
    """

    def __init__(self, hooks: Sequence[Hook], clock: Clock = SYSTEM, randomness: Randomness = RANDOMNESS) -> None:
        self._hooks = hooks
        self._clock = clock
        self._randomness = randomness
        self._deliveries: dict[str, _Delivery] = {}
        self._left: dict[str, list[HookCall]] = {hook.name: [] for hook in hooks}

    def work(self) -> bool:
        """Store what came of earlier calls, and begin those that are due. Returns whether a call is under way."""
        self._store()
        waiting = due(self._hooks, utc_now(self._clock))
        for hook in self._hooks:
            if hook.name in waiting and self._free(hook.name):
                self._begin(hook)
        return bool(self._deliveries)

    def last(self) -> None:
        """Store what comes of calls that are under way, for a short time: they would be repeated."""
        end = self._clock.monotonic() + SHORTLY
        while self._deliveries and self._clock.monotonic() < end:
            time.sleep(STEP)
            self._store()

    def _store(self) -> None:
        for name, delivery in [*self._deliveries.items()]:
            if (outcome := delivery.attempt.outcome) is not None:
                draw = self._randomness.random()
                until_done(partial(settle, delivery.row, outcome, utc_now(self._clock), draw))
                del self._deliveries[name]
                self._left[name].append(delivery.attempt)

    def _free(self, name: str) -> bool:
        self._left[name] = [attempt for attempt in self._left[name] if attempt.running]
        return name not in self._deliveries and len(self._left[name]) < MOST_LEFT

    def _begin(self, hook: Hook) -> None:
        row = until_done(lambda: claim(hook, utc_now(self._clock)))
        if row is not None:
            self._deliveries[hook.name] = _Delivery(row, HookCall(hook, row.payload, self._clock))


def deliver_now(hooks: Sequence[Hook], seconds: float = SHORTLY, clock: Clock = SYSTEM) -> None:
    """Deliver what is due, for a short time. What isn't delivered by then stays for the processes that serve."""
    deliverer = Deliverer(hooks, clock)
    end = clock.monotonic() + seconds
    while deliverer.work() and clock.monotonic() < end:
        time.sleep(STEP)
