"""Finds out who sent a request with the project's authentication classes of Django REST framework."""

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
    """Authenticates a request as the view of `match` does: `gateway.legacy.callers.Authentication`.

    If that is no DRF view, or there is none: the user of the session, or else the one that
    DEFAULT_AUTHENTICATION_CLASSES find, so that callers are the same on all paths.
    """

    def __init__(self, request: HttpRequest, match: ResolverMatch | None) -> None:
        self._http = request
        self._of_session = request.user  # DRF replaces it
        view = _view_of(match)
        self._by_view = view is not None
        view = view or APIView(authentication_classes=_defaults())
        view.request, view.args, view.kwargs = request, match.args if match else (), match.kwargs if match else {}  # type: ignore[assignment] # as `as_view`
        self._request = view.initialize_request(request, *view.args, **view.kwargs)
        kind = type(view)
        # A class with its own `get_authenticators` may choose them by anything, but hardly by credentials.
        chooses = kind.get_authenticators is not APIView.get_authenticators
        by = (kind, request.method) if chooses else tuple(map(type, self._request.authenticators or ()))
        self.kind: Hashable = (self._by_view, by)

    def user(self) -> Any:
        """The user; that of the session if no class finds one, and anonymous if a class refuses the caller."""
        if not self._by_view and self._of_session.is_authenticated:
            return self._of_session
        try:
            found = self._request.user
        except (APIException, Http404, PermissionDenied) as exc:
            logger.debug("%s %s: the caller is unknown: %s", self._http.method, self._http.path, exc)
            return None
        return found if getattr(found, "is_authenticated", False) else self._of_session


def _view_of(match: ResolverMatch | None) -> APIView | None:
    """A DRF view as `as_view` creates it, before any request; None for any other callback."""
    made_of = match and class_behind(match.func)
    if not made_of or not issubclass(made_of.kind, APIView):
        return None
    view: Any = made_of.kind(**made_of.initkwargs)
    if made_of.actions is not None:
        view.action_map = made_of.actions
    return view  # type: ignore[no-any-return]


def _defaults() -> list[Any]:
    """The project's default authentication classes, by the current settings; none where DRF is merely installed.

    Without those that check a password: if no view does, a proxy may, and each of its callers would count as a failed
    login in whatever counts these.
    """
    found: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES if apps.is_installed("rest_framework") else ()
    return [one for one in found if not issubclass(one, BasicAuthentication)]
