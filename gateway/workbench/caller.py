"""The caller that a user of the project would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.rollout.cohort import Caller

__all__ = ["NoSuchUser", "caller_named"]


class NoSuchUser(LookupError):
    """The project has no users, or none of that name. The message says which."""


def caller_named(username: str) -> Caller:
    """The project's user with this USERNAME_FIELD, as a request with their session would have it: a user whom no
    authentication backend accepts, such as an inactive one, is anonymous.

    Django must be set up. Raises NoSuchUser, and DatabaseError if the database can't be queried.
    """
    from django.apps import apps

    if not (apps.is_installed("django.contrib.auth") and apps.is_installed("django.contrib.contenttypes")):
        raise NoSuchUser("the project has no users; django.contrib.auth is not in INSTALLED_APPS")
    from django.contrib.auth import get_backends, get_user_model
    from django.core.exceptions import ObjectDoesNotExist

    from gateway.legacy.callers import caller_for
    from gateway.rollout.cohort import NOBODY_KNOWN

    model = get_user_model()
    try:
        user = model._default_manager.get_by_natural_key(username)  # noqa: SLF001 - as Django's own backends
    except ObjectDoesNotExist:
        named = f"{model._meta.verbose_name} with {model.USERNAME_FIELD}"  # noqa: SLF001 - documented
        raise NoSuchUser(f"there is no {named} {username!r}") from None
    let_in = any(backend.get_user(user.pk) is not None for backend in get_backends())
    return caller_for(user) if let_in else NOBODY_KNOWN
