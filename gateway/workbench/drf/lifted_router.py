"""The text of a router with `lift`: endpoints that the project's own view answers."""

from __future__ import annotations

from collections.abc import Sequence

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
    kind = endpoint.view_class
    if kind is not None and "<" not in kind.__qualname__:
        try:
            return reference(kind)
        except Untranslatable:
            pass
    return _function(endpoint)


def _function(endpoint: Endpoint) -> str:
    function = endpoint.function
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "<")
    if not module or "<" in name or "." in name:
        raise Untranslatable(f"{endpoint.view} can't be imported: give it a name in its module")
    return ref(module, name)


def _place(chosen: Sequence[Endpoint], prefix: str | None) -> dict[str, str]:
    if prefix is not None:
        return {"prefix": literal(prefix)}
    methods = [endpoint.method for endpoint in chosen if endpoint.method != "*"]
    return {"path": literal(chosen[0].template)} | ({"methods": literal(methods)} if methods else {})
