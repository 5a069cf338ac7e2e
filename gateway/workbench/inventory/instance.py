"""Creates the instance of a class-based view that would answer, without a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.workbench.inventory.endpoint import Endpoint

__all__ = ["instance_of", "view_instance"]


def view_instance(kind: type, action: str | None, initkwargs: Mapping[str, Any], method: str) -> Any:
    """The view as DRF's schema generators create it: with the action, and without a request. Raises whatever the
    class's own `__init__` raises."""
    view: Any = kind(**initkwargs)
    view.args, view.kwargs, view.format_kwarg, view.request = (), {}, None, None
    view.action, view.action_map = action, {method.lower(): action}
    view.swagger_fake_view = True  # checked by projects whose views read the request
    return view


def instance_of(endpoint: Endpoint) -> Any | None:
    """The instance for an endpoint; None for a function, or a class that can't be created like this."""
    if endpoint.view_class is None:
        return None
    try:
        return view_instance(endpoint.view_class, endpoint.action, endpoint.initkwargs, endpoint.method)
    except Exception:  # noqa: BLE001 - a project's own __init__, which may want anything
        return None
