"""Cross-site request forgery: requests that a page of another site may have made a browser send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.http import HttpRequest

from gateway.compat.django import loaded

__all__ = ["SAFE_METHODS", "give_user", "is_forgeable", "one_user", "withheld_user"]


# Schemes whose credentials a browser sends by itself after the user entered a password (RFC 9110, section 11).
AMBIENT_SCHEMES = frozenset({"basic", "digest", "negotiate", "ntlm"})

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_forgeable(request: HttpRequest) -> bool:
    """Whether a page of another site could have made a browser send `request`, and the method is unsafe."""
    return request.method not in SAFE_METHODS and has_ambient_credentials(request)


@contextmanager
def withheld_user(request: HttpRequest) -> Iterator[None]:
    """While the service answers a forgeable `request` that CsrfViewMiddleware has let pass, the user is anonymous,
    until the dependency that checks the token instead calls `give_user`. So code that runs without that dependency, or
    before it, never sees the session's user.
    """
    if hasattr(request, "user") and is_forgeable(request):
        request.withheld_user = request.user  # type: ignore[attr-defined]
        request.user = _nobody()
    try:
        yield
    finally:
        give_user(request)


def _nobody() -> Any:
    """The anonymous user: Django's, or None if the project doesn't use django.contrib.auth."""
    if not apps.is_installed("django.contrib.auth"):
        return None
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


def one_user(request: HttpRequest) -> None:
    """Make `request.auser()` return `request.user`, which DRF or a dependency determined. Django's own reads the
    session again, where it finds nobody after a password change, and Django 6's `aupdate_session_auth_hash` calls it
    then."""
    if hasattr(request, "auser"):
        request.auser = partial(_same_user, request)


async def _same_user(request: HttpRequest) -> Any:
    """`request.auser()` when only `request.user` says who the caller is."""
    if loaded(request.user) is None:
        await sync_to_async(bool, thread_sensitive=True)(request.user)  # asks the session and the database
    return loaded(request.user)


def give_user(request: HttpRequest) -> bool:
    """Undo `withheld_user`. False when there is nothing to undo."""
    user = vars(request).pop("withheld_user", None)
    if user is not None:
        request.user = user
    return user is not None


def has_ambient_credentials(request: HttpRequest) -> bool:
    """Whether a browser may have sent credentials by itself, without the page that made the request knowing them.

    A cookie is such a credential; with an Authorization header that a page must set itself, only the session cookie is.
    Without either, the caller may still be known: by a client certificate, or by a proxy (RemoteUserMiddleware).
    """
    scheme, _, _ = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in AMBIENT_SCHEMES:
        return True
    if scheme:
        return settings.SESSION_COOKIE_NAME in request.COOKIES
    return "HTTP_COOKIE" in request.META or _is_known(request)


def _is_known(request: HttpRequest) -> bool:
    """Whether a middleware has determined a user. One that hasn't been evaluated yet comes from the session, and
    without a session cookie there is none."""
    return bool(getattr(loaded(vars(request).get("user")), "is_authenticated", False))
