"""Checks that a route has been retired for long enough, and that the project had no requests for it since."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway.rollout.stage import RETIRED
from gateway.workbench.database import installed

if TYPE_CHECKING:
    from gateway.config.routes import RouteConfig

__all__ = ["LEGACY", "unproved"]

LEGACY = "legacy"  # the upstream's name


def unproved(route: RouteConfig, patterns: Collection[str], days: int, now: datetime) -> Iterator[str]:
    """What is missing before anything of `route` may be removed, in words. `patterns` are the URLs' patterns in Django.

    Raises DatabaseError if the database can't be queried.
    """
    if not installed():
        yield 'how long it is retired, and who asked since, isn\'t known: "gateway.control" is not in INSTALLED_APPS'
        return
    from gateway.control.current_state import current_states
    from gateway.control.endpoint_days import usage

    found = current_states([route])[route.name]
    if found.state.stage != RETIRED:
        yield f"it is at {found.state.stage}: `gateway promote {route.name} --to retired` first"
        return
    if found.since is None:
        yield "since when it is retired isn't known: the file says it, and no move of the route"
    elif now - found.since < timedelta(days=days):
        yield f"it is retired for {(now - found.since).days} days, not for {days}"
    for (upstream, method, label), stats in usage(now, days).items():
        if upstream == LEGACY and label in patterns and stats.requests:
            seen = f", the last on {stats.seen:%Y-%m-%d}" if stats.seen is not None else ""
            yield f"{method} {label} was asked of Django {stats.requests:,} times in the last {days} days{seen}"
