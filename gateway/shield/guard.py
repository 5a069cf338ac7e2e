"""Replaces methods of a class and all its subclasses for mirrors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from gateway.context.mirror_scope import MirrorScope, among_callers, current

__all__ = ["GuardedCall", "Instead", "among_callers", "guard"]

MARK = "_gateway_guarded"


class GuardedCall:
    """A call of a guarded method by the mirror of `scope`. `proceed` makes the call, as for a caller."""

    __slots__ = ("args", "kwargs", "method", "name", "scope", "target")

    def __init__(
        self,
        scope: MirrorScope,
        target: Any,
        name: str,
        method: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.scope = scope
        self.target = target
        self.name = name
        self.method = method
        self.args = args
        self.kwargs = kwargs

    def proceed(self) -> Any:
        """The result of the method itself; for a coroutine function, an awaitable."""
        if inspect.iscoroutinefunction(self.method):
            return self._awaited()
        with among_callers():
            return self.method(self.target, *self.args, **self.kwargs)

    async def _awaited(self) -> Any:
        with among_callers():
            return await self.method(self.target, *self.args, **self.kwargs)


Notes = Callable[[str, Callable[..., Any]], Callable[..., Any]]
Instead = Callable[[GuardedCall], Any]  # for a coroutine function, returns an awaitable


def guard(base: type, chosen: Callable[[str], bool], instead: Instead, notes: Notes | None = None) -> None:
    """For mirrors, replace the methods whose names are `chosen` by `instead`: in `base` and in all its subclasses,
    including those that are defined later.

    Each class is changed by itself, so it makes no difference which class defines the method, or which calls another.
    `notes` gets a method's name and the method, and returns the function that is called for callers.
    Properties are treated as methods without arguments. For callers, each call costs one lookup of a context variable.
    """
    if base.__dict__.get(MARK) is base:
        return
    _guard_all(base, chosen, instead, notes)
    setattr(base, MARK, base)

    family: Any = base
    own = base.__dict__.get("__init_subclass__")

    def subclassed(cls: type, /, **options: Any) -> None:
        own.__func__(cls, **options) if own is not None else super(family, cls).__init_subclass__(**options)
        _guard_one(cls, chosen, instead, notes)

    family.__init_subclass__ = classmethod(subclassed)


def _guard_all(cls: type, chosen: Callable[[str], bool], instead: Instead, notes: Notes | None) -> None:
    _guard_one(cls, chosen, instead, notes)
    derived: type
    for derived in type.__subclasses__(cls):
        _guard_all(derived, chosen, instead, notes)


def _guard_one(cls: type, chosen: Callable[[str], bool], instead: Instead, notes: Notes | None) -> None:
    for name, found in [*vars(cls).items()]:
        if not chosen(name) or hasattr(found, MARK) or hasattr(getattr(found, "fget", None), MARK):
            continue
        if isinstance(found, property) and found.fget is not None:
            setattr(cls, name, property(_guarded(name, found.fget, instead), found.fset, found.fdel, found.__doc__))
        elif inspect.isfunction(found):
            setattr(cls, name, _guarded(name, found if notes is None else notes(name, found), instead))


def _guarded(name: str, method: Callable[..., Any], instead: Instead) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(method):

        @wraps(method)
        async def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            scope = current.get()
            if scope is None:
                return await method(self, *args, **kwargs)
            return await instead(GuardedCall(scope, self, name, method, args, kwargs))

    else:

        @wraps(method)
        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            scope = current.get()
            if scope is None:
                return method(self, *args, **kwargs)
            return instead(GuardedCall(scope, self, name, method, args, kwargs))

    setattr(guarded, MARK, True)
    return guarded
