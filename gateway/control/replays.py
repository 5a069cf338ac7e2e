"""Results of replays, stored as evidence for the release of the service."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from gateway.control.database import alias, until_done
from gateway.control.models import Replay
from gateway.rollout.evidence import Replayed

__all__ = ["last_replay", "store_replays"]

KEPT = 20  # replays of a route that are kept


def store_replays(found: Iterable[tuple[str, str, Replayed]], at: datetime, who: str) -> None:
    """Store the result of a replay for each route: its name, the release of its service, and the counts. Raises
    DatabaseBusy, or what the database raises."""

    def store() -> None:
        with transaction.atomic(using=alias()):
            rows = Replay.objects.using(alias())
            for route, release, counts in found:
                rows.create(
                    route=route,
                    release=release,
                    at=at,
                    who=who,
                    cases=counts.cases,
                    blocking=counts.blocking,
                    accepted=sorted(counts.accepted),
                )
                old = rows.filter(route=route).order_by("-at", "-pk").values_list("pk", flat=True)[KEPT:]
                rows.filter(pk__in=[*old]).delete()

    found = [*found]
    until_done(store)


def last_replay(route: str, release: str | None) -> Replayed | None:
    """The last replay of a route under this release of its service; under any if `release` is None (unknown). None if
    there was none."""
    rows = Replay.objects.using(alias()).filter(route=route)
    if release is not None:
        rows = rows.filter(release=release)
    row = rows.order_by("-at", "-pk").first()
    return None if row is None else Replayed(row.cases, row.blocking, frozenset(row.accepted))
