"""Creates a view with a request, so that its methods can be called to document it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from gateway.bridge.drf.original import Original

__all__ = ["asked"]


def asked(original: Original, method: str) -> Any:
    """The view with an anonymous request of `method`. `swagger_fake_view` is True, as projects expect."""
    view = original.alone()
    http = HttpRequest()
    http.method, http.path = method, "/"
    view.request = Request(http, authenticators=())
    view.swagger_fake_view = True
    if original.actions is not None:
        view.action = original.name_of(method)
    return view
