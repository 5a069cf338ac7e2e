"""What is other about Django REST framework's throttles where requests are mirrored. Works with any version of it."""

from __future__ import annotations

from functools import wraps

from rest_framework.request import Request
from rest_framework.views import APIView

from gateway.upstreams.base import MIRROR

__all__ = ["let_mirrors_pass"]


def let_mirrors_pass() -> None:
    """Let no view ask a throttle for a mirror.

    Both sides count under the same keys, and its caller has been counted: with mirrors counted too, callers would be
    refused at half their rate. DRF documents the method and has no setting for this, so it is replaced, once. What is
    to be refused is not mirrored (`Copy.finish`).
    """
    original = APIView.check_throttles
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def check_throttles(view: APIView, request: Request) -> None:
        if MIRROR not in getattr(request, "scope", ()):
            original(view, request)

    APIView.check_throttles = check_throttles  # type: ignore[assignment, method-assign] # as said above
