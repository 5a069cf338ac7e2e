"""Sessions: a mirror reads its caller's, since both answer the same person, and stores nothing there.

Its caller was answered, and may be writing to the session by now: what the mirror has read would take that back, as
sessions are stored whole.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from gateway.context.mirror_scope import current
from gateway.shield.caches import reading

__all__ = ["shield_sessions"]


def shield_sessions() -> None:
    """Let sessions that are made for mirrors read what is stored, and store nothing.

    Every store is made for one request, and calls this constructor: SessionMiddleware's, and a view's own.
    """
    original = SessionBase.__init__
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def made(self: SessionBase, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if current.get() is not None:
            _make_private(self)

    SessionBase.__init__ = made  # type: ignore[method-assign] # there is no signal for it


def _make_private(session: Any) -> None:
    for name in ("save", "create", "delete"):  # all else that changes what is stored calls these
        setattr(session, name, _store_nothing)
        setattr(session, f"a{name}", _astore_nothing)
    for name in ("load", "exists"):
        setattr(session, name, _reading(getattr(session, name)))
        if hasattr(session, f"a{name}"):  # since Django 5.1
            setattr(session, f"a{name}", _areading(getattr(session, f"a{name}")))


def _store_nothing(*_args: object, **_kwargs: object) -> None:
    """Instead of storing or deleting a session."""


async def _astore_nothing(*_args: object, **_kwargs: object) -> None:
    """The same, asynchronously."""


def _reading(method: Callable[..., Any]) -> Callable[..., Any]:
    def read(*args: Any, **kwargs: Any) -> Any:
        with reading():
            return method(*args, **kwargs)

    return read


def _areading(method: Callable[..., Any]) -> Callable[..., Any]:
    async def read(*args: Any, **kwargs: Any) -> Any:
        with reading():
            return await method(*args, **kwargs)

    return read
