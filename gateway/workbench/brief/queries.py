"""The SQL of an endpoint's queryset, as far as it is known without a request. No query is executed."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet

from gateway.wording import message
from gateway.workbench.inventory import Endpoint
from gateway.workbench.inventory.instance import instance_of

__all__ = ["queryset_sql"]


def queryset_sql(endpoint: Endpoint) -> tuple[str | None, str]:
    """The statement, and the reason if there is none."""
    view = instance_of(endpoint)
    if view is None or not hasattr(view, "get_queryset"):
        return None, message("the view has no queryset")
    try:
        return _sql(view.get_queryset()), ""
    except Exception as exc:  # noqa: BLE001 - a project's own, which may want a request, or a user
        said = message("get_queryset() wants a request: {error}", error=f"{type(exc).__name__}: {exc}")
    queryset = getattr(view, "queryset", None)
    return (None, said) if queryset is None else (_sql(queryset), said)


def _sql(queryset: Any) -> str:
    try:
        return str(queryset.query)
    except EmptyResultSet:
        return "-- no row, whatever is there"
