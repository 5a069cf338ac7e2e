"""What is other about Django REST framework's throttles where requests are mirrored. Works with any version of it."""

from __future__ import annotations

from functools import wraps

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from gateway.parity.recording import recorder
from gateway.upstreams.base import MIRROR

__all__ = ["let_mirrors_pass"]


def let_mirrors_pass() -> None:
    """Let no view ask a throttle for a mirror.

    Both sides count under the same keys, and its caller has been counted: with mirrors counted too, callers would be
    refused at half their rate. DRF documents the methods and has no setting for this, so they are replaced, once: the
    one that asks, and the one that says whom, for views that ask in their own way (adrf's do). What is to be refused
    is not mirrored (`Copy.finish`).
    """
    if hasattr(APIView.check_throttles, "spares_mirrors"):
        return
    check, get = APIView.check_throttles, APIView.get_throttles

    @wraps(check)
    def check_throttles(view: APIView, request: Request) -> None:
        if _is_mirror(request):
            return
        try:
            check(view, request)
        except Exception:
            if (mirrored := recorder.get()) is not None:
                mirrored.throttled = True  # EXCEPTION_HANDLER may give the answer any status
            raise

    @wraps(get)
    def get_throttles(view: APIView) -> list[BaseThrottle]:
        return [] if _is_mirror(getattr(view, "request", None)) else get(view)

    check_throttles.spares_mirrors = True  # type: ignore[attr-defined] # nothing else says who has replaced it
    APIView.check_throttles = check_throttles  # type: ignore[assignment, method-assign] # as said above
    APIView.get_throttles = get_throttles  # type: ignore[assignment, method-assign]


def _is_mirror(request: Request | None) -> bool:
    return MIRROR in getattr(request, "scope", ())
