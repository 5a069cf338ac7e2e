"""The security requirements of a view: which schemes, and whether anonymous callers are allowed."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import (
    SAFE_METHODS,
    AllowAny,
    BasePermission,
    DjangoModelPermissions,
    IsAuthenticatedOrReadOnly,
)

from gateway.bridge.drf.openapi.schemes import schemes_of_view

__all__ = ["lets_in_anybody", "requirements"]


def requirements(view: Any) -> list[dict[str, list[str]]]:
    """The alternatives, in OpenAPI's form. `view` has a request (`gateway.bridge.drf.openapi.asked`)."""
    schemes = schemes_of_view(view)
    classes = {kind.__name__ for kind in view.permission_classes if isinstance(kind, type)}
    keys = {one.name: [*one.scopes] for one in schemes if one.name in classes}  # of a permission, required in addition
    found = [{one.name: [*one.scopes]} | keys for one in schemes if one.name not in classes]
    if found and all(lets_in_anybody(kind, view.request.method) for kind in view.permission_classes):
        found.append(keys)
    return found or ([keys] if keys else [])


def lets_in_anybody(kind: Any, method: str) -> bool:
    """Whether the permission class `kind` asks for no user for requests of `method`."""
    if not isinstance(kind, type) or not issubclass(kind, BasePermission):
        return False
    if issubclass(kind, IsAuthenticatedOrReadOnly):
        return method in SAFE_METHODS
    if issubclass(kind, DjangoModelPermissions):
        return method in SAFE_METHODS and not kind.authenticated_users_only
    return issubclass(kind, AllowAny) or hasattr(kind, "key_parser")
