"""The text of a router with `lift`: endpoints that the project's own view answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.workbench.drf.document import operation
from gateway.workbench.inventory import Endpoint
from gateway.workbench.scaffold.literals import literal
from gateway.workbench.scaffold.references import Untranslatable, ref, reference

__all__ = ["lifted", "view_reference"]


def lifted(chosen: Sequence[Endpoint], prefix: str | None) -> str:
    """The text of `router = lift(…)` for `chosen`, all of one view. Raises Untranslatable if it has no name."""
    options = _place(chosen, prefix) | _names(chosen)
    lines = [f"    {name}={value}," for name, value in options.items()]
    call = "\n".join(
        [f"router = {ref('gateway.bridge.drf', 'lift')}(", f"    {view_reference(chosen[0])},", *lines, ")"]
    )
    return "\n".join(filter(None, [_operations(chosen), call]))


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


def _documented(chosen: Sequence[Endpoint]) -> dict[Endpoint, Any]:
    return {endpoint: found for endpoint in chosen if (found := operation(endpoint.method, endpoint.template))}


def _names(chosen: Sequence[Endpoint]) -> dict[str, str]:
    """The tags and `operationId`s of the project's API document."""
    found = _documented(chosen)
    if not found:
        return {}
    tags = list(dict.fromkeys(tag for one in found.values() for tag in one.tags))
    name = "lambda route: OPERATIONS.get((min(route.methods), route.path_format), route.name)"
    return {"tags": literal(tags), "generate_unique_id_function": name}


def _operations(chosen: Sequence[Endpoint]) -> str:
    found = _documented(chosen)
    if not found:
        return ""
    lines = [f"    ({endpoint.method!r}, {endpoint.template!r}): {one.id!r}," for endpoint, one in found.items()]
    comment = "# What the project's API document calls them."
    return "\n".join([comment, "OPERATIONS = {", *lines, "}", ""])
