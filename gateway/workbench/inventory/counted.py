"""Counts of endpoints from the project's database, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.clock import utc_now
from gateway.wording import message
from gateway.workbench.database import installed, trouble

if TYPE_CHECKING:
    from gateway.stats.endpoint_stats import EndpointStats
    from gateway.stats.traffic import EndpointKey

__all__ = ["counted_in"]


def counted_in(days: int) -> tuple[Mapping[EndpointKey, EndpointStats] | None, str | None]:
    """The counts of the last `days`, today included; or None, and the reason in words."""
    if not installed():
        return None, message('nothing is counted: "gateway.control" is not in INSTALLED_APPS')
    from django.db import DatabaseError

    from gateway.control.endpoint_days import usage

    try:
        return usage(utc_now(), days), None
    except DatabaseError as exc:
        return None, message("nothing can be read of what was counted: {trouble}", trouble=trouble(exc))
