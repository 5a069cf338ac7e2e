"""Django Ninja, which is optional: nothing here imports it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

__all__ = ["Operation", "operations_behind"]


class Operation(Protocol):
    """What Ninja keeps of one function: `ninja.operation.Operation`."""

    methods: Sequence[str]
    view_func: Callable[..., Any]


def operations_behind(view: Any) -> Sequence[Operation] | None:
    """The operations that `view` chooses from by method; None where Ninja hasn't made it.

    `PathView.operations`: `PathView.get_view` gives Django a function around itself, or its own method, and the
    documentation names neither. The functions have no other way back than `self`, which is a free variable of theirs.
    """
    if not str(getattr(view, "__module__", "")).startswith("ninja."):
        return None
    owner = getattr(view, "__self__", None)
    if owner is None and "self" in (names := getattr(getattr(view, "__code__", None), "co_freevars", ())):
        owner = view.__closure__[names.index("self")].cell_contents
    return cast("Sequence[Operation] | None", getattr(owner, "operations", None))
