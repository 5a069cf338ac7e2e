"""Adapts Django REST framework's throttles to mirrors. Works with any version of it."""

from __future__ import annotations

import sys
from functools import wraps
from typing import Any

from gateway.context.recording import recorder
from gateway.dispatch.scope import MIRROR

__all__ = ["let_mirrors_pass"]


def let_mirrors_pass() -> None:
    """Prevent views of Django REST framework from throttling mirrors, if project or services have imported DRF by now.

    Both sides count under the same keys, and the caller has been counted already: with mirrors counted too, callers
    would be refused at half their rate. DRF documents the methods but has no setting for this, so two are replaced,
    once: the one that checks throttles, and the one that returns them, for views that check in another way (as adrf's
    do). Refused requests are not mirrored (`Copy.finish`).
    """
    views: Any = sys.modules.get("rest_framework.views")  # optional; not to be imported here
    if views is None or hasattr(views.APIView.check_throttles, "spares_mirrors"):
        return
    check, get = views.APIView.check_throttles, views.APIView.get_throttles

    @wraps(check)
    def check_throttles(view: Any, request: Any) -> None:
        if _is_mirror(request):
            return
        try:
            check(view, request)
        except Exception:
            if (mirrored := recorder.get()) is not None:
                mirrored.throttled = True  # EXCEPTION_HANDLER may change the status
            raise

    @wraps(get)
    def get_throttles(view: Any) -> Any:
        return [] if _is_mirror(getattr(view, "request", None)) else get(view)

    check_throttles.spares_mirrors = True  # type: ignore[attr-defined] # nothing else says who has replaced it
    views.APIView.check_throttles, views.APIView.get_throttles = check_throttles, get_throttles


def _is_mirror(request: Any) -> bool:
    return MIRROR in getattr(request, "scope", ())
