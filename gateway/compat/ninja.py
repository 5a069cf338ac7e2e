"""Django Ninja, which is optional: this module doesn't import it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

__all__ = ["NinjaOperation", "operations_behind"]


class NinjaOperation(Protocol):
    """Ninja's data about one function: `ninja.operation.Operation`."""

    methods: Sequence[str]
    view_func: Callable[..., Any]


def operations_behind(view: Any) -> Sequence[NinjaOperation] | None:
    """The operations among which `view` chooses by method; None if Ninja hasn't made it.

    `PathView.operations`: `PathView.get_view` gives Django a function that wraps it, or its own method; neither is
    documented. The only way back from the functions is their free variable `self`.
    """
    if not str(getattr(view, "__module__", "")).startswith("ninja."):
        return None
    owner = getattr(view, "__self__", None)
    if owner is None and "self" in (names := getattr(getattr(view, "__code__", None), "co_freevars", ())):
        owner = view.__closure__[names.index("self")].cell_contents
    return cast("Sequence[NinjaOperation] | None", getattr(owner, "operations", None))
