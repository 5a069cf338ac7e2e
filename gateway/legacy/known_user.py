"""The user that the project has already determined for a request, without determining it now."""

from __future__ import annotations

from typing import Any, Literal

from gateway.compat.django import loaded

__all__ = ["UserKind", "kind_of", "known_user"]

UserKind = Literal["anonymous", "user", "staff", "superuser"]


def known_user(request: object) -> tuple[str, str | None] | None:
    """The kind of user ("anonymous", "user", "staff", "superuser") and the primary key as text; None if nothing has
    used `request.user` yet. Django REST framework sets it to the user that its authentication found."""
    user: Any = loaded(vars(request).get("user")) if hasattr(request, "__dict__") else None
    if user is None:
        return None
    return kind_of(user), None if getattr(user, "pk", None) is None else str(user.pk)


def kind_of(user: Any) -> UserKind:
    """The kind of user: one word."""
    if not getattr(user, "is_authenticated", False):
        return "anonymous"
    if getattr(user, "is_superuser", False):
        return "superuser"
    return "staff" if getattr(user, "is_staff", False) else "user"
