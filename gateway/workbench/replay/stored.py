"""What a replay takes from gateway.control, and the evidence for a promotion that it leaves there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gateway.clock import utc_now
from gateway.parity.rules import Accepted
from gateway.workbench.database import installed, trouble
from gateway.workbench.replay.result import BOTH, ReplayResult

__all__ = ["accepted_now", "store"]


def accepted_now() -> Mapping[str, Sequence[Accepted]]:
    """The differences of each route that were accepted at run time (`gateway diffs accept`); none where these can't be
    read: then `store` says why."""
    if not installed():
        return {}
    from django.db import DatabaseError

    from gateway.control.settle import accepted_at_run_time

    try:
        return accepted_at_run_time(utc_now().date())
    except DatabaseError:
        return {}


def store(result: ReplayResult, who: str) -> str | None:
    """Store it, for the release of each service that was called; `who` is the operator. Returns None, or why nothing
    was stored."""
    if result.side != BOTH:
        return "only a replay of both sides is evidence"
    if not result.releases:
        return "nothing was compared"
    if not installed():
        return '"gateway.control" is not in INSTALLED_APPS'
    from django.db import DatabaseError, connections

    from gateway.control.database import DatabaseBusy, alias
    from gateway.control.models import Replay
    from gateway.control.replays import store_replays

    found = [(route, release, result.replayed(route)) for route, release in result.releases.items()]
    try:
        if Replay._meta.db_table not in connections[alias()].introspection.table_names():  # noqa: SLF001 - documented
            return "the table for it is missing: run `python manage.py migrate`"
        store_replays(found, datetime.fromtimestamp(result.started, UTC), who)
    except (DatabaseError, DatabaseBusy) as exc:
        return trouble(exc)
    return None
