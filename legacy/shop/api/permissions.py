"""Who may change what."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.views import APIView


class IsAuthorOrReadOnly(IsAuthenticatedOrReadOnly):
    """Everybody reads, customers write, and only the author changes what was written."""

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """Compare the caller with the object's `author`."""
        return request.method in SAFE_METHODS or obj.author_id == request.user.pk
