"""Resolves differences."""

from __future__ import annotations

from datetime import datetime

from gateway.control.database import alias, until_done
from gateway.control.models import NAME, DifferenceGroup

__all__ = ["NoSuchGroup", "resolve"]

SHORTEST = 4  # characters of a group's key


class NoSuchGroup(LookupError):
    """No difference, or more than one, has a key with this prefix. The message says which."""


def resolve(key: str, *, who: str, why: str, at: datetime) -> DifferenceGroup:
    """Mark the difference whose key begins with `key` as resolved, by whom and why; if seen again, it is open again.

    Raises NoSuchGroup; ValueError without `who` or `why`; DatabaseBusy.
    """
    if not who or not why.strip():
        raise ValueError("who resolves a difference, and why, is part of the record")
    return until_done(lambda: _resolve(key, who[:NAME], why, at))


def _resolve(key: str, who: str, why: str, at: datetime) -> DifferenceGroup:
    groups = DifferenceGroup.objects.using(alias())
    found = list(groups.filter(fingerprint__startswith=key)[:2]) if len(key) >= SHORTEST else []
    if len(found) != 1:
        shape = "the key that `gateway diffs ROUTE` shows, or its beginning"
        raise NoSuchGroup(
            f"{'several differences have' if found else 'no difference has'} the key {key!r}; give {shape}"
        )
    (group,) = found
    group.resolved, group.resolved_by, group.resolved_why = at, who, why
    groups.filter(pk=group.pk).update(resolved=at, resolved_by=who, resolved_why=why)
    return group
