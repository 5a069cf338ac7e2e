"""Finds a user of the project by the input of `gateway record --as`."""

from __future__ import annotations

from typing import Any

from gateway.legacy.known_user import kind_of
from gateway.workbench.caller import NoSuchUser
from gateway.workbench.corpus import User

__all__ = ["user_named"]


def user_named(text: str | None) -> User:
    """The user with this USERNAME_FIELD or primary key; anonymous for None and "anonymous". Raises NoSuchUser."""
    if text is None or text == "anonymous":
        return User()
    from django.contrib.auth import get_user_model

    model: Any = get_user_model()
    found = model._default_manager.filter(**{model.USERNAME_FIELD: text}).first()  # noqa: SLF001 - documented
    if found is None:
        found = _by_key(model, text)
    if found is None:
        raise NoSuchUser(f'the project has no user {text!r}: give {model.USERNAME_FIELD} or the key, or "anonymous"')
    return User(kind_of(found), str(found.pk))


def _by_key(model: Any, text: str) -> Any:
    from django.core.exceptions import ValidationError

    try:
        return model._default_manager.filter(pk=text).first()  # noqa: SLF001 - as above
    except (ValueError, TypeError, ValidationError):
        return None
