"""Django's own views, called by endpoints that have taken their place: the least that can be moved of one.

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
    """What the project's URLconf has for the path of `request` answers: the view, with its decorators, arguments and
    URL; of an asynchronous view, something to await.

    For endpoints of services with `answers = "django"`, inside the project's middleware, on the request's thread (a
    `def` endpoint, or `in_django`). Raises what the view raises, and Django's Http404 where there is none.
    """
    match = resolve(request.path_info, getattr(request, "urlconf", None))
    request.resolver_match = match
    return match.func(request, *match.args, **match.kwargs)
