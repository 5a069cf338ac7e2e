"""A DRF view as a URLconf has it: its class, the arguments of `as_view`, and decorators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import CellType, FunctionType
from typing import Any

from rest_framework.views import APIView

from gateway.compat.drf import class_behind
from gateway.wording import qualified_name

__all__ = ["NotLiftable", "Original"]

Function = Callable[..., Any]


class NotLiftable(ValueError):
    """A view that can't be lifted. The message says why."""


@dataclass(frozen=True, slots=True)
class Original:
    """`kind` is the view's class and `initkwargs` the arguments of `as_view`; `actions`, for a ViewSet, by method in
    lower case. `decorators` are the functions around the result of `as_view`, the outermost first. `marks` are the
    attributes that all of these have set on it."""

    kind: type[APIView]
    initkwargs: Mapping[str, Any]
    actions: Mapping[str, str] | None
    decorators: tuple[FunctionType, ...] = field(default=(), compare=False)
    marks: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, callback: Function) -> Original | None:
        """The original of `callback`; None if it is no DRF view.

        Raises NotLiftable if its class can't be used for a service, or a decorator can't be applied to another view.
        """
        made_of = class_behind(callback)
        if made_of is None or not issubclass(made_of.kind, APIView):
            return None
        kind, initkwargs, actions = made_of
        if getattr(kind, "view_is_async", False):
            raise NotLiftable(f"{kind.__qualname__} has asynchronous methods, which Django REST framework doesn't call")
        original = cls(kind, {**initkwargs}, None if actions is None else _given(actions))
        decorators = _around(callback, original.as_view(kind))
        return cls(kind, original.initkwargs, original.actions, decorators, {**vars(callback)})

    def __str__(self) -> str:
        return qualified_name(self.kind)

    def as_view(self, kind: type[APIView]) -> Function:
        """The view of `kind`, the class or a subclass, with the same arguments and decorators."""
        made: Any = kind  # a ViewSet takes its actions
        view: Function = made.as_view(*(() if self.actions is None else ({**self.actions},)), **self.initkwargs)
        for decorator in reversed(self.decorators):
            view = _rebound(decorator, view)
        return view

    def alone(self) -> Any:
        """The view without a request."""
        view: Any = self.kind(**self.initkwargs)
        if self.actions is not None:
            view.action_map = {**self.actions}
        view.args, view.kwargs, view.format_kwarg, view.request = (), {}, None, None
        return view

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods that it handles itself. HEAD is among them if it isn't served by GET."""
        names = self.initkwargs.get("http_method_names", self.kind.http_method_names)
        found = self.actions if self.actions is not None else [name for name in names if self._has(name)]
        return tuple(name.upper() for name in found if name in names)

    def _has(self, name: str) -> bool:
        return name != "options" and hasattr(self.kind, name)

    def name_of(self, method: str) -> str:
        """The name of the method that handles `method`: an action's, or the HTTP method's own."""
        verb = method.lower()
        if self.actions is None:
            return "get" if verb == "head" and not hasattr(self.kind, "head") else verb
        return self.actions.get(verb) or (self.actions.get("get", "") if verb == "head" else "")

    def handler(self, method: str, kind: type[APIView] | None = None) -> Function | None:
        """The method that handles `method`, from the class or from `kind`, a subclass."""
        name = self.name_of(method)
        return getattr(kind or self.kind, name, None) if name else None


def _given(actions: Mapping[str, str]) -> dict[str, str]:
    """`actions` as they were given: the first request adds a `head`, which is GET's."""
    return {verb: name for verb, name in actions.items() if verb != "head" or name != actions.get("get")}


def _chain(function: Any) -> list[FunctionType]:
    """`function` and the functions that it wraps, according to `functools.wraps`."""
    found: list[FunctionType] = []
    while function is not None and not isinstance(function, type) and function not in found:
        found.append(function)
        function = getattr(function, "__wrapped__", None)
    return found


def _around(callback: Function, bare: Function) -> tuple[FunctionType, ...]:
    """The functions around the view in `callback`; without them it is `bare`."""
    whole, inner = _chain(callback), _chain(bare)
    outside = whole[: len(whole) - len(inner)]
    codes = [
        [getattr(function, "__code__", function) for function in chain] for chain in (whole[len(outside) :], inner)
    ]
    if codes[0] != codes[1]:
        raise NotLiftable(f"what is around {callback} is not what as_view() gives; say @functools.wraps in a decorator")
    for decorator in outside:
        _rebound(decorator, bare)
    return tuple(outside)


def _rebound(decorator: FunctionType, view: Function) -> Function:
    """`decorator` applied to `view` instead of the function that it wraps. Raises NotLiftable."""
    inner = getattr(decorator, "__wrapped__", None)
    cells: tuple[CellType, ...] = getattr(decorator, "__closure__", None) or ()  # an object has no closure
    if not any(_holds(cell, inner) for cell in cells):
        raise NotLiftable(
            f"the decorator {decorator!r} in the URLconf can't be put around another view; put it on the class, by "
            'method_decorator(…, name="dispatch")'
        )
    closure = tuple(CellType(view) if _holds(cell, inner) else cell for cell in cells)
    made = FunctionType(decorator.__code__, decorator.__globals__, decorator.__name__, decorator.__defaults__, closure)
    made.__kwdefaults__ = decorator.__kwdefaults__
    made.__dict__.update({**vars(decorator), **vars(view), "__wrapped__": view})
    return made


def _holds(cell: CellType, function: object) -> bool:
    try:
        return cell.cell_contents is function
    except ValueError:  # it is empty
        return False
