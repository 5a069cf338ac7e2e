"""What became of the events of hooks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from gateway.config.hooks import Hook
from gateway.control.database import alias
from gateway.control.models import HookDelivery
from gateway.control.timestamps import NEVER

__all__ = ["DeliveryReport", "HookReport", "hooks"]


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The last attempt to deliver something. `problem` is None if it succeeded, `status` unless there was an answer."""

    event: str
    type: str
    route: str | None
    at: datetime
    attempts: int
    status: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class HookReport:
    """How many events wait for a hook, how many it was told in the last 7 days, and of how many it could not be told in
    the last 30. `last` is None if nothing was attempted; `due` is when the next attempt is."""

    hook: str
    waiting: int
    delivered: int
    failed: int
    due: datetime | None
    last: DeliveryReport | None


def hooks(found: Iterable[Hook]) -> list[HookReport]:
    """A report on each hook, in the same order."""
    return [_report(hook.name) for hook in found]


def _report(name: str) -> HookReport:
    rows = HookDelivery.objects.using(alias()).filter(hook=name)
    counts = dict(rows.values_list("state").annotate(count=Count("pk")))
    last = rows.filter(ended__gt=NEVER).order_by("-ended").first()
    waiting = rows.filter(state=HookDelivery.WAITING).order_by("due").first()
    return HookReport(
        hook=name,
        waiting=counts.get(HookDelivery.WAITING, 0),
        delivered=counts.get(HookDelivery.DELIVERED, 0),
        failed=counts.get(HookDelivery.FAILED, 0),
        due=None if waiting is None else waiting.due,
        last=None if last is None else _delivery(last),
    )


def _delivery(row: HookDelivery) -> DeliveryReport:
    return DeliveryReport(
        event=row.event,
        type=row.payload["type"],
        route=row.payload["data"].get("route"),
        at=row.ended,
        attempts=row.attempts,
        status=row.status,
        problem=row.problem or None,
    )
