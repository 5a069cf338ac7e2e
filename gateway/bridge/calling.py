"""Calls Django's own views from the endpoints that have replaced them: the smallest step of a move.

@router.post("/cart/add/{slug}/")
def cart_add(slug: str, request: DjangoRequest) -> HttpResponseBase:
    return django_view(request)
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import resolve

__all__ = ["django_view"]


def django_view(request: HttpRequest) -> Any:
    """Call the view that the project's URLconf has for the path of `request`, with its decorators and arguments, and
    return its response; for an asynchronous view, an awaitable.

    For endpoints of services with `answers = "django"`, inside the project's middleware, on the request's thread (a
    `def` endpoint, or `in_django`). Raises what the view raises, and Django's Http404 when there is no view."""
    match = resolve(request.path_info, getattr(request, "urlconf", None))
    request.resolver_match = match
    return match.func(request, *match.args, **match.kwargs)
