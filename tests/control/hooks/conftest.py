"""What tests of hooks share: a server that gets events, a clock, and hooks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.config.hooks import Hook, HookConfig
from gateway.control.hooks.delivery import Deliverer
from gateway.control.models import HookDelivery
from gateway.testing.clock import CountedRandomness, FrozenClock
from tests.support.receiver import receiver
from tests.support.server import eventually

__all__ = ["SECRET", "call", "make_hook", "receiver"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = {"type": "promote", "id": "e1", "timestamp": "2026-11-25T12:00:00.000+00:00"}
MOVE = {
    "route": "catalog",
    "service": "items",
    "from": {"stage": "legacy", "weight_percent": None, "paused": False},
    "to": {"stage": "shadow", "weight_percent": None, "paused": False},
    "who": "ana",
    "why": "ready",
    "anyway": False,
    "revision": 1,
}
PAYLOAD = EVENT | {"data": MOVE}

calls: list[Any] = []  # of `call`, a function that is a hook
answers: list[Any] = []  # what it returns or raises, then None


def call(event: dict[str, Any]) -> Any:
    """A function that is a hook."""
    calls.append(event)
    answer = answers.pop(0) if answers else None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def make_hook(name: str = "ops", **table: Any) -> Hook:
    """A hook of a file."""
    return HookConfig.model_validate(table).hook(name)


def called(name: str = "ops", **table: Any) -> Hook:
    """One whose function is `call`."""
    return make_hook(name, call=f"{__name__}:call", **table)


@pytest.fixture(autouse=True)
def uncalled() -> None:
    calls.clear()
    answers.clear()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Clock(FrozenClock):
    """Stands still while calls are under way."""


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2027, 1, 1, tzinfo=UTC))


@pytest.fixture
def deliver(clock: Clock) -> Callable[..., None]:
    """Deliver what is due for these hooks, and wait until that is done."""

    def deliver(*hooks: Hook) -> None:
        deliverer = Deliverer(hooks, clock, CountedRandomness())
        assert eventually(lambda: not deliverer.work())

    return deliver


def deliveries() -> list[tuple[str, str, int]]:
    """Hook, state and number of attempts of all events, in their order."""
    return [(row.hook, row.state, row.attempts) for row in HookDelivery.objects.order_by("pk")]
