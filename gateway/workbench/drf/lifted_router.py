"""The text of a router with `lift`: endpoints that the project's own view answers."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from gateway.compat.drf import api_view_function, class_behind
from gateway.workbench.inventory import Endpoint
from gateway.workbench.scaffold.literals import literal
from gateway.workbench.scaffold.references import Untranslatable, ref, reference

__all__ = ["lifted", "view_reference"]


def lifted(chosen: Sequence[Endpoint], prefix: str | None) -> str:
    """The text of `router = lift(…)` for `chosen`, all of one view. Raises Untranslatable if it has no name."""
    lines = [f"    {name}={value}," for name, value in _place(chosen, prefix).items()]
    return "\n".join(
        [f"router = {ref('gateway.bridge.drf', 'lift')}(", f"    {view_reference(chosen[0])},", *lines, ")"]
    )


def view_reference(endpoint: Endpoint) -> str:
    """The text for the view: its class, or the function from which `@api_view` made it. Raises Untranslatable."""
    kind: Any = endpoint.view_class
    if (function := api_view_function(kind)) is None:
        return reference(kind)
    module, name = function.__module__, function.__qualname__
    made_of = class_behind(getattr(importlib.import_module(module), name, None))
    if made_of is None or made_of.kind is not kind:
        raise Untranslatable(f"{module}.{name} is something else: give the view of {endpoint} a name in its module")
    return ref(module, name)


def _place(chosen: Sequence[Endpoint], prefix: str | None) -> dict[str, str]:
    if prefix is not None:
        return {"prefix": literal(prefix)}
    methods = [endpoint.method for endpoint in chosen if endpoint.method != "*"]
    return {"path": literal(chosen[0].template)} | ({"methods": literal(methods)} if methods else {})
