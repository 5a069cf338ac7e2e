"""Requests that another site's page may have made somebody's browser send."""

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


# Schemes that a browser sends by itself once somebody has typed a password in (RFC 9110, section 11).
AMBIENT_SCHEMES = frozenset({"basic", "digest", "negotiate", "ntlm"})

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_forgeable(request: HttpRequest) -> bool:
    """Whether another site's page could have made somebody's browser send this, and it may change something."""
    return request.method not in SAFE_METHODS and has_ambient_credentials(request)


@contextmanager
def withheld_user(request: HttpRequest) -> Iterator[None]:
    """While the service answers a forgeable `request` that CsrfViewMiddleware has let pass: nobody is logged in,
    until the dependency that asks for the token instead calls `give_user`. So nothing that runs without that
    dependency, or before it, can mistake the session's user for the caller.
    """
    if hasattr(request, "user") and is_forgeable(request):
        request.withheld_user = request.user  # type: ignore[attr-defined]
        request.user = _nobody()
    try:
        yield
    finally:
        give_user(request)


def _nobody() -> Any:
    """Who nobody is: as Django has it, or None where the project has users of its own."""
    if not apps.is_installed("django.contrib.auth"):
        return None
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


def one_user(request: HttpRequest) -> None:
    """Let `request.auser()` be `request.user`, which DRF or a dependency decided on: Django's looks into the session
    again. There it finds nobody once a password was changed, and Django 6's `aupdate_session_auth_hash` asks it then.
    """
    if hasattr(request, "auser"):
        request.auser = partial(_same_user, request)


async def _same_user(request: HttpRequest) -> Any:
    """`request.auser()` where `user` alone says who the caller is."""
    if loaded(request.user) is None:
        await sync_to_async(bool, thread_sensitive=True)(request.user)  # asks the session and the database
    return loaded(request.user)


def give_user(request: HttpRequest) -> bool:
    """End what `withheld_user` began. False when there is nothing to end."""
    user = vars(request).pop("withheld_user", None)
    if user is not None:
        request.user = user
    return user is not None


def has_ambient_credentials(request: HttpRequest) -> bool:
    """Whether a browser may have sent credentials along that the page asking for it knows nothing of.

    A cookie is one; beside an Authorization header that a page has to set by itself, only the session's is. Where
    there is neither, somebody may be known all the same: by a certificate, or by what a proxy says (RemoteUser).
    """
    scheme, _, _ = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in AMBIENT_SCHEMES:
        return True
    if scheme:
        return settings.SESSION_COOKIE_NAME in request.COOKIES
    return "HTTP_COOKIE" in request.META or _is_known(request)


def _is_known(request: HttpRequest) -> bool:
    """Whether a middleware has found a user. One that nobody has looked for yet is in the session, where no cookie
    names one, so nobody is."""
    return bool(getattr(loaded(vars(request).get("user")), "is_authenticated", False))
