"""Sessions: a mirror reads its caller's, since it stands for the same user, and stores nothing.

The caller was answered, and may be changing the session by now: storing what the mirror has read would undo that, since
sessions are stored as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from gateway.compat.django import session_data
from gateway.context.intentions import SessionNotes
from gateway.context.mirror_scope import current
from gateway.shield.caches import reading

__all__ = ["shield_sessions"]


def shield_sessions() -> None:
    """Make the sessions of mirrors read what is stored, and store nothing.

    Every session store is created for one request with this constructor: SessionMiddleware's, and those of views.
    """
    original = SessionBase.__init__
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def made(self: SessionBase, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        scope = current.get()
        if scope is not None:
            _make_private(self)
            if scope.intentions is not None:
                _take_notes(self, scope.intentions.session())

    SessionBase.__init__ = made  # type: ignore[method-assign] # there is no signal for it


def _make_private(session: Any) -> None:
    for name in ("save", "create", "delete"):  # all other methods that change the store call these
        setattr(session, name, _store_nothing)
        setattr(session, f"a{name}", _astore_nothing)
    for name in ("load", "exists"):
        setattr(session, name, _reading(getattr(session, name)))
        setattr(session, f"a{name}", _areading(getattr(session, f"a{name}")))


def _store_nothing(*_args: object, **_kwargs: object) -> None:
    """Replaces storing or deleting a session."""


async def _astore_nothing(*_args: object, **_kwargs: object) -> None:
    """The same, asynchronous."""


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


# -- what it would have stored --------------------------------------------------------------------


def _take_notes(session: Any, notes: SessionNotes) -> None:
    """Have what is done to the session noted. `cycle_key()` creates one and deletes what has the key that it had;
    `flush()` deletes one without naming its key."""
    load, aload = session.load, session.aload

    def loaded() -> Any:
        found = load()
        notes.loaded(found)
        return found

    async def aloaded() -> Any:
        found = await aload()
        notes.loaded(found)
        return found

    def save(*_args: object, **_kwargs: object) -> None:
        notes.saved(session_data(session))

    def create() -> None:
        notes.renewed()

    def delete(session_key: str | None = None) -> None:
        if session_key is None:
            notes.ended()

    session.load, session.save, session.create, session.delete = loaded, save, create, delete
    session.aload = aloaded
    session.asave, session.acreate, session.adelete = _later(save), _later(create), _later(delete)


def _later(method: Callable[..., None]) -> Callable[..., Any]:
    async def later(*args: Any, **kwargs: Any) -> None:
        method(*args, **kwargs)

    return later
