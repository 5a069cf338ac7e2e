"""The number that goes up with every change: workers look at nothing else while it stays."""

from __future__ import annotations

from django.db.models import F, Max

from gateway.control.database import alias
from gateway.control.models import Change, Revision

__all__ = ["next_revision"]


def next_revision() -> int:
    """Count up. That locks the row until the transaction ends, so that moves come one after another; on SQLite it
    takes the lock for writing before anything is read, where waiting for it still works."""
    rows = Revision.objects.using(alias())
    if not rows.filter(pk=Revision.ONLY).update(number=F("number") + 1):
        last = (
            Change.objects.using(alias()).aggregate(last=Max("revision"))["last"] or 0
        )  # should the row have been lost
        rows.create(pk=Revision.ONLY, number=last + 1)
    return rows.get(pk=Revision.ONLY).number
