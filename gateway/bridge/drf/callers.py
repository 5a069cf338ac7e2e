"""Who sent a request, as the project's authentication classes of Django REST framework say."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import ResolverMatch
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import APIException
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from gateway.compat.drf import class_behind

__all__ = ["ByDRF"]

logger = logging.getLogger("gateway")


class ByDRF:
    """How a request is authenticated by the view that `match` has: `gateway.legacy.callers.Authentication`.

    Where that is no view of DRF's, or there is none, the user who is logged in counts first, and then whom
    DEFAULT_AUTHENTICATION_CLASSES find, so that callers are the same on all paths.
    """

    def __init__(self, request: HttpRequest, match: ResolverMatch | None) -> None:
        self._http = request
        self._of_session = request.user  # DRF puts another in its place
        view = _view_of(match)
        self._by_view = view is not None
        view = view or APIView(authentication_classes=_defaults())
        view.request, view.args, view.kwargs = request, match.args if match else (), match.kwargs if match else {}  # type: ignore[assignment] # as `as_view`
        self._request = view.initialize_request(request, *view.args, **view.kwargs)
        kind = type(view)
        # A class with a way of its own to choose its authenticators may do so by anything, but hardly by credentials.
        chooses = kind.get_authenticators is not APIView.get_authenticators
        by = (kind, request.method) if chooses else tuple(map(type, self._request.authenticators or ()))
        self.kind: Hashable = (self._by_view, by)

    def user(self) -> Any:
        """The user; that of the session where no class knows one, and nobody where one refuses the caller."""
        if not self._by_view and self._of_session.is_authenticated:
            return self._of_session
        try:
            found = self._request.user
        except (APIException, Http404, PermissionDenied) as exc:
            logger.debug("%s %s: nobody is known: %s", self._http.method, self._http.path, exc)
            return None
        return found if getattr(found, "is_authenticated", False) else self._of_session


def _view_of(match: ResolverMatch | None) -> APIView | None:
    """A view of DRF's as its `as_view` makes it, before anything was asked of it; None for any other."""
    made_of = match and class_behind(match.func)
    if not made_of or not issubclass(made_of.kind, APIView):
        return None
    view: Any = made_of.kind(**made_of.initkwargs)
    if made_of.actions is not None:
        view.action_map = made_of.actions
    return view  # type: ignore[no-any-return]


def _defaults() -> list[Any]:
    """The project's own, as settings have them now; none where DRF is merely installed.

    But not those that check a password: where no view does, a proxy may, and each of its callers would be one more
    failed login to whoever counts these.
    """
    found: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES if apps.is_installed("rest_framework") else ()
    return [one for one in found if not issubclass(one, BasicAuthentication)]
