"""What a user may do in the section: a Django permission each."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
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
    """What `user` may do. Without permission to see the section, nothing."""
    if not isinstance(user, PermissionsMixin | AnonymousUser) or not user.has_perm(f"{APP}.view_route"):
        return Allowed(view=False, operate=False, accept=False, override=False, record=False)
    return Allowed(
        view=True,
        operate=user.has_perm(f"{APP}.operate_route"),
        accept=user.has_perm(f"{APP}.accept_differences"),
        override=user.has_perm(f"{APP}.override_evidence"),
        record=user.has_perm(f"{APP}.record_requests"),
    )


def demand(may: bool) -> None:
    """Raises PermissionDenied, which Django answers with 403, unless `may`."""
    if not may:
        raise PermissionDenied
