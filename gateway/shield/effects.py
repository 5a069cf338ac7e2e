"""Records a request's effects besides its response and rows, for callers and mirrors alike: their kind, no values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.context.recording import recorder, unrecorded

__all__ = ["named", "note", "note_commits", "noting"]

LOCAL = "a local function"  # its name is meaningless: each side has another one

Describe = Callable[[Any, str, tuple[Any, ...], dict[str, Any]], list[str]]  # object, method, arguments


def note(effects: list[str]) -> None:
    """Record effects of the running request, if it is compared."""
    current = recorder.get()
    if current is not None:
        current.effects += effects


def noting(describe: Describe) -> Callable[[str, Callable[..., Any]], Callable[..., Any]]:
    """A wrapper for methods that records what `describe` says of a call. Effects inside the call are not recorded: a
    mirror doesn't have them."""

    def found(target: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        current = recorder.get()
        effects = [] if current is None else describe(target, name, args, kwargs)
        note(effects)
        return bool(effects)

    def of(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not found(self, name, args, kwargs):
                return method(self, *args, **kwargs)
            with unrecorded():
                return method(self, *args, **kwargs)

        @wraps(method)
        async def noted_later(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not found(self, name, args, kwargs):
                return await method(self, *args, **kwargs)
            with unrecorded():
                return await method(self, *args, **kwargs)

        return noted_later if inspect.iscoroutinefunction(method) else noted

    return of


def note_commits() -> None:
    """Record the functions that run after a commit. A mirror's, which don't run, are named when it ends."""
    if hasattr(BaseDatabaseWrapper, "notes_commits"):
        return
    wrapper: Any = BaseDatabaseWrapper
    run, register = wrapper.run_and_clear_commit_hooks, wrapper.on_commit

    @wraps(run)
    def run_and_clear_commit_hooks(self: Any) -> None:
        current = recorder.get()
        if current is None or not self.run_on_commit:
            return run(self)  # type: ignore[no-any-return] # None
        current.effects += [named(entry[1]) for entry in self.run_on_commit]
        with unrecorded():
            return run(self)  # type: ignore[no-any-return] # as above

    @wraps(register)
    def on_commit(self: Any, func: Any, *args: Any, **kwargs: Any) -> None:
        current = recorder.get()
        if current is None or self.in_atomic_block or not callable(func):
            return register(self, func, *args, **kwargs)  # type: ignore[no-any-return] # as above
        current.effects.append(named(func))  # it runs at once
        with unrecorded():
            return register(self, func, *args, **kwargs)  # type: ignore[no-any-return] # as above

    wrapper.run_and_clear_commit_hooks, wrapper.on_commit = run_and_clear_commit_hooks, on_commit
    wrapper.notes_commits = True


def named(function: Any) -> str:
    """What runs after a commit, by its name in the code."""
    function = getattr(function, "func", function)  # of a partial
    owner = getattr(function, "__self__", None)
    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__qualname__)}"
    if isinstance(task := getattr(owner, "name", None), str):  # a Celery task's `delay`
        name = task
    return f"after the commit, {LOCAL if '<locals>' in name or '<lambda>' in name else name}"
