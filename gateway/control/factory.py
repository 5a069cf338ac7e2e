"""From a gateway to its control. Imports no Django before it is known that the project has this app."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.control.sync import Control

__all__ = ["build_control"]


def build_control(gateway: Gateway) -> Control | None:
    """What keeps `gateway` in step with the database; None unless the project has "gateway.control" installed."""
    from django.apps import apps

    if not (apps.ready and apps.is_installed("gateway.control")):
        return None
    from gateway.control.sync import Control

    return Control(gateway)
