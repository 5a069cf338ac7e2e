"""The processes that serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.control.database import alias
from gateway.control.models import Worker

__all__ = ["WorkerReport", "worker_rows", "workers"]

ALIVE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A process that was seen recently, the revision of its snapshot, and what it could not store.

    `resting` has the reason of each open circuit breaker; `refused` the number of requests that it refused since it
    started, by status; `releases` is the release of each of its services.
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
    releases: Mapping[str, str] = field(default_factory=dict)


def worker_rows() -> list[Worker]:
    """The rows of all processes, for reports that are made together."""
    return list(Worker.objects.using(alias()).order_by("host", "pid"))


def workers(now: datetime, rows: Sequence[Worker] | None = None) -> list[WorkerReport]:
    """The processes that were seen in the last minute. `rows` are those of all processes, if they were read before."""
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
            releases=row.releases,
        )
        for row in (worker_rows() if rows is None else rows)
        if row.seen >= now - ALIVE
    ]
