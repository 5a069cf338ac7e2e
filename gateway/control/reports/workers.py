"""The processes that serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.control.database import alias
from gateway.control.models import Worker

__all__ = ["WorkerReport", "workers"]

ALIVE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A process that was seen recently, the revision of its snapshot, and what it could not store.

    `resting` has the reason of each open circuit breaker; `refused` the number of requests that it refused since it
    started, by status.
    """

    id: str
    host: str
    pid: int
    started: datetime
    seen: datetime
    revision: int
    lost_requests: int
    lost_differences: int
    resting: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)


def workers(now: datetime) -> list[WorkerReport]:
    """The processes that were seen in the last minute."""
    rows = Worker.objects.using(alias()).filter(seen__gte=now - ALIVE).order_by("host", "pid")
    return [
        WorkerReport(
            id=row.id,
            host=row.host,
            pid=row.pid,
            started=row.started,
            seen=row.seen,
            revision=row.revision,
            lost_requests=row.lost_requests,
            lost_differences=row.lost_differences,
            resting=row.resting,
            refused=row.refused,
        )
        for row in rows
    ]
