"""What a user may do in the section: one Django permission for each kind of action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied

__all__ = ["Allowed", "allowed", "demand"]

APP = "gateway_control"


@dataclass(frozen=True, slots=True)
class Allowed:
    """See the section; move routes; accept and resolve differences; promote without evidence; record requests."""

    view: bool
    operate: bool
    accept: bool
    override: bool
    record: bool


def allowed(user: AbstractBaseUser | AnonymousUser) -> Allowed:
    """What `user` may do. Without permission to see the section, nothing. A user model of the project's own needs
    `has_perm`, as the admin itself asks of it ("Custom users and django.contrib.admin")."""
    has_perm: Callable[[str], bool] = getattr(user, "has_perm", lambda _: False)
    if not has_perm(f"{APP}.view_route"):
        return Allowed(view=False, operate=False, accept=False, override=False, record=False)
    return Allowed(
        view=True,
        operate=has_perm(f"{APP}.operate_route"),
        accept=has_perm(f"{APP}.accept_differences"),
        override=has_perm(f"{APP}.override_evidence"),
        record=has_perm(f"{APP}.record_requests"),
    )


def demand(may: bool) -> None:
    """Raises PermissionDenied, which Django answers with 403, unless `may`."""
    if not may:
        raise PermissionDenied
