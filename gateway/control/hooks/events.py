"""What happened, in the form in which hooks get it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.randomness import RANDOMNESS
from gateway.rollout.stage import CANARY, State

__all__ = ["Event", "stage_data"]

MOST_TEXT = 1000  # characters of each text
MOST_ITEMS = 20  # of each list


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `type` is one of `gateway.config.hooks.EVENTS`, or "test"; `data` is JSON."""

    type: str
    data: Mapping[str, Any]
    at: datetime
    id: str = field(default_factory=RANDOMNESS.visitor_id)

    def payload(self) -> dict[str, Any]:
        """What hooks get: JSON of limited size."""
        at = self.at.astimezone(UTC).isoformat(timespec="milliseconds")
        return {"type": self.type, "id": self.id, "timestamp": at, "data": _bounded(self.data)}


def stage_data(state: State) -> dict[str, Any]:
    """A route's state. The weight is only there in canary."""
    weight = state.weight if state.stage == CANARY else None
    return {"stage": state.stage, "weight_percent": weight, "paused": state.paused}


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        # Without what PostgreSQL can't store: NUL, and unpaired surrogates.
        text = value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
        return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"
    if isinstance(value, Mapping):
        return {key: _bounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bounded(item) for item in value[:MOST_ITEMS]]
    return value
