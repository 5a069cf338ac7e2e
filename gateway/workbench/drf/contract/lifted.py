"""Recognises endpoints that the project's own view answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.bridge.drf.request import ViewPart
from gateway.compat.drf import class_behind
from gateway.workbench.drf.contract.source import calls

if TYPE_CHECKING:
    from gateway.workbench.contract.routed import Routed

__all__ = ["is_lifted"]


def is_lifted(routed: Routed) -> bool:
    """Whether the endpoint is the view's own method: made by `lift`, or written as `view_of(request).get(request)` with
    the original view."""
    made_of = class_behind(routed.view)
    if made_of is None or not (routed.bridged and routed.answers == "drf"):
        return False
    dependencies: tuple[Any, ...] = routed.endpoint.dependencies
    for part in dependencies:
        if isinstance(part, ViewPart) and part.view is not None and issubclass(part.view, made_of.kind):
            return getattr(part, "lifted", None) is not None or calls(routed.function, "view_of")
    return False
